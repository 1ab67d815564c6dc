import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { createNarrator } from '../demo/narrator.ts'
import { freshDomain, type Scene } from '../demo/parties.ts'
import { play } from '../demo/play.ts'
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
  async run(context) {
    const { flags, fetch, signal, note, answer, json } = context
    const server = checkServer(flags.text('server') ?? DEFAULT_SERVER)
    const keeps = flags.on('keep')
    await expectServer(server, context)
    const given = flags.text('domain')
    const folder = await mkdtemp(join(tmpdir(), 'auth4agent-demo-'))
    const scene: Scene = {
      server,
      issuer: flags.text('issuer') ?? server,
      domain: given === undefined ? freshDomain() : normalizeDomain(given),
      folder,
      fetch,
      signal,
      pause: (ms) => delay(ms, undefined, { signal }),
      tell: createNarrator(context),
    }
    let isKept = false
    try {
      await play(scene, keeps)
      isKept = keeps
    } finally {
      if (!isKept) await rm(folder, { recursive: true, force: true })
    }
    if (keeps) answer({ step: 'kept', folder }, `Go on with it: auth4agent whoami --config ${folder}`)
    else if (json) answer({ step: 'cleaned-up' }, '')
    else note('The domain was given up, and the folder is gone.')
  },
})

async function expectServer(server: string, { fetch, signal, progress }: Context<typeof flags>): Promise<void> {
  const asked = transportTo(server, fetch)({ method: 'GET', path: '/.well-known/auth4agent', signal })
  await progress(`asking ${server}`, asked).catch(() => {
    signal.throwIfAborted()
    throw new CliError(`no Auth4Agent server answers at ${server}`, {
      reason: 'NETWORK_ERROR',
      exit: 'unreachable',
      hint: `Start one in a checkout of the server: \`npm start\` (it listens at ${DEFAULT_SERVER}). Or name one: --server URL`,
    })
  })
}
