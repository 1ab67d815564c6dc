import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { playDelegation } from '../demo/delegation/play-delegation.ts'
import { createNarrator, type Told } from '../demo/narrator.ts'
import { freshDomain, type Scene } from '../demo/parties.ts'
import { play } from '../demo/play.ts'
import { checkIssuer } from '../operator-key.ts'
import { checkServer, normalizeDomain } from '../server-address.ts'
import { transportTo } from '../transport.ts'

const DEFAULT_SERVER = 'http://localhost:8080'

const flags = {
  server: { kind: 'text', value: 'URL', help: `the server; ${DEFAULT_SERVER} by default` },
  issuer: { kind: 'text', value: 'ISSUER', help: "the server's issuer, if it differs from its address" },
  domain: {
    kind: 'text',
    value: 'DOMAIN',
    help: 'a domain that you own and that has no operator yet; by default a new name under .test',
  },
  delegation: {
    kind: 'boolean',
    help: 'show delegation instead: two operators, three agents that hand on less and less, and a paid API',
  },
  keep: { kind: 'boolean', help: 'keep the operator, the agent and their folder for experiments' },
} as const

/** `demo`: acts as an operator, an agent and an API that use a server. */
export const demo = defineCommand({
  help: [
    'Acts as an operator, an agent and a protected API that use a server, and prints each step. The operator registers and proves a domain. The agent gets scopes and a token, and calls the API. The API refuses a call for which the agent has no scope. Then the operator revokes the token and suspends the agent.',
    'With --delegation, an agent hands a part of its authority to a second agent, and this one to a third. The third pays, tries more, and loses its chain to a thief. Then the second agent is suspended, and the audit of each operator is shown. The second operator has the name `partner` below the domain.',
    'Keys and configuration are in a temporary folder; your own files do not change. At the end the demo releases the domain and removes the folder.',
  ],
  examples: [
    { does: 'with the server of `npm start`', line: 'auth4agent demo' },
    { does: 'agents that act for other agents', line: 'auth4agent demo --delegation' },
    { does: 'keep everything for experiments', line: 'auth4agent demo --keep' },
    {
      does: 'with another server, and with a domain that you prove in DNS',
      line: 'auth4agent demo --server https://auth.example.com --domain demo.example.com',
    },
  ],
  flags,
  folder: 'unused',
  async run(context) {
    const { flags, fetch, fetchAnyway, signal, note, answer, json } = context
    const server = checkServer(flags.text('server') ?? DEFAULT_SERVER)
    const issuer = flags.text('issuer') ?? server
    const keeps = flags.on('keep')
    const given = flags.text('domain')
    const domain = given === undefined ? freshDomain() : normalizeDomain(given)
    await expectServer(server, issuer, context)
    const folder = await mkdtemp(join(tmpdir(), 'auth4agent-demo-'))
    const tell = createNarrator(context)
    let isNeeded = false
    const stillOwned: Scene['stillOwned'] = (why, of) => {
      isNeeded = true
      tell(stillOwnedStep(of, why))
    }
    const pause = (ms: number) => delay(ms, undefined, { signal })
    const scene: Scene = { server, issuer, domain, folder, fetch, fetchAnyway, signal, pause, tell, stillOwned }
    let isKept = false
    try {
      await (flags.on('delegation') ? playDelegation : play)(scene, keeps)
      isKept = keeps
    } finally {
      if (!isKept && !isNeeded) await rm(folder, { recursive: true, force: true })
    }
    if (isNeeded) return 'refused'
    if (keeps)
      answer(
        { step: 'kept', folder },
        `To continue with this operator and agent: auth4agent whoami --config ${folder}`,
        folder,
      )
    else if (json) answer({ step: 'cleaned-up' }, '', [])
    else
      note(
        flags.on('delegation')
          ? 'The domains are released and the folder is removed.'
          : 'The domain is released and the folder is removed.',
      )
    return 'ok'
  },
})

/**
 * Reports that the domain could not be released. The key must stay, because only its holder can release the domain.
 */
function stillOwnedStep({ domain, folder }: Pick<Scene, 'domain' | 'folder'>, why: unknown): Told {
  return {
    step: 'still-owned',
    title: 'The domain could not be released, so its key is kept',
    lines: [
      why instanceof Error ? why.message : String(why),
      `Try again: auth4agent operator release --yes ${domain} --config ${folder}`,
    ],
    facts: { domain, folder },
  }
}

async function expectServer(server: string, issuer: string, context: Context<typeof flags>): Promise<void> {
  const { fetch, signal, progress } = context
  const asked = transportTo(server, fetch)({ method: 'GET', path: '/.well-known/auth4agent', signal })
  await progress(`asking ${server}`, asked).catch(() => {
    signal.throwIfAborted()
    throw new CliError(`No Auth4Agent server answers at ${server}`, {
      reason: 'NETWORK_ERROR',
      exit: 'unreachable',
      hint: `Start a server with \`npm start\` in a checkout of it (it listens at ${DEFAULT_SERVER}), or name another server: --server URL`,
    })
  })
  await checkIssuer(server, issuer, context)
}
