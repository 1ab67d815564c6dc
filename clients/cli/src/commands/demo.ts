import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { createNarrator, type Told } from '../demo/narrator.ts'
import { freshDomain, type Scene } from '../demo/parties.ts'
import { play } from '../demo/play.ts'
import { checkIssuer } from '../operator-key.ts'
import { checkServer, normalizeDomain } from '../server-address.ts'
import { transportTo } from '../transport.ts'

const DEFAULT_SERVER = 'http://localhost:8080'

const flags = {
  server: { kind: 'text', value: 'URL', help: `the server, ${DEFAULT_SERVER} unless told` },
  issuer: { kind: 'text', value: 'ISSUER', help: 'what the server calls itself, where that is not its address' },
  domain: { kind: 'text', value: 'DOMAIN', help: 'one of yours that has no operator, instead of a name under .test' },
  keep: { kind: 'boolean', help: 'keep operator, agent and their folder, to go on by hand' },
} as const

/** Plays operator, agent and API against a server. */
export const demo = defineCommand({
  help: [
    'Plays an operator, an agent and a protected API against a server, and tells each step: a domain is registered and proven, an agent gets scopes and a token, calls the API, is refused what it may not do; the token is revoked, the agent suspended.',
    'Keys and configuration are in a folder of their own, and nothing of yours is touched. In the end the domain is given up and the folder removed.',
  ],
  examples: [
    { does: 'against the server of `npm start`', line: 'auth4agent demo' },
    { does: 'and go on by hand', line: 'auth4agent demo --keep' },
    {
      does: 'against another one, with DNS',
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
    const stillOwned = (why: unknown) => {
      isNeeded = true
      tell(stillOwnedStep(domain, folder, why))
    }
    const pause = (ms: number) => delay(ms, undefined, { signal })
    const scene: Scene = { server, issuer, domain, folder, fetch, fetchAnyway, signal, pause, tell, stillOwned }
    let isKept = false
    try {
      await play(scene, keeps)
      isKept = keeps
    } finally {
      if (!isKept && !isNeeded) await rm(folder, { recursive: true, force: true })
    }
    if (isNeeded) return 'refused'
    if (keeps) answer({ step: 'kept', folder }, `Go on with it: auth4agent whoami --config ${folder}`, folder)
    else if (json) answer({ step: 'cleaned-up' }, '', [])
    else note('The domain was given up, and the folder is gone.')
    return 'ok'
  },
})

/** Without its key nobody can give a domain up. */
function stillOwnedStep(domain: string, folder: string, why: unknown): Told {
  return {
    step: 'still-owned',
    title: 'The domain could not be given up, so its key is kept',
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
    throw new CliError(`no Auth4Agent server answers at ${server}`, {
      reason: 'NETWORK_ERROR',
      exit: 'unreachable',
      hint: `Start one in a checkout of the server: \`npm start\` (it listens at ${DEFAULT_SERVER}). Or name one: --server URL`,
    })
  })
  await checkIssuer(server, issuer, context)
}
