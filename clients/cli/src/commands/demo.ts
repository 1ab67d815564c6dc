import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { suppliedFlags } from '../common-flags.ts'
import type { Context } from '../context.ts'
import { playDelegation } from '../demo/delegation/play-delegation.ts'
import { expectHomes, type FederationCast, openCast } from '../demo/federation/cast.ts'
import { mend } from '../demo/federation/mend.ts'
import { playFederation, prepare } from '../demo/federation/play-federation.ts'
import { SCOPE } from '../demo/federation/scene.ts'
import { wrapCommand } from '../demo/federation/words.ts'
import { createNarrator, type Told } from '../demo/narrator.ts'
import { freshDomain, type Scene } from '../demo/parties.ts'
import { expectExamples } from '../demo/people/example.ts'
import { openPage } from '../demo/people/open-page.ts'
import { freshPeopleDomain, playPeople } from '../demo/people/play-people.ts'
import { play } from '../demo/play.ts'
import { checkIssuer } from '../operator-key.ts'
import { checkServer, normalizeDomain } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { transportTo } from '../transport.ts'

const DEFAULT_SERVER = 'http://localhost:8080'

const DEFAULT_FOLDER = 'data/federation'

const flags = {
  server: { ...suppliedFlags.server, more: `${DEFAULT_SERVER} by default, whatever the context` },
  issuer: suppliedFlags.issuer,
  domain: {
    ...shared.domain,
    more: 'one that you own and that has no operator yet; by default a new name under .test',
  },
  delegation: {
    kind: 'boolean',
    help: 'show delegation instead: two operators, three agents that hand on less and less, and a paid API',
  },
  people: {
    kind: 'boolean',
    help: 'show people instead: one signs in, lets an MCP client act, and ends it; needs a checkout and a browser',
  },
  federation: {
    kind: 'boolean',
    help: 'show three deployments instead that trust each other; run `npm run cluster -- --deployments 3` first',
  },
  deployments: {
    kind: 'text',
    value: 'FOLDER',
    help: `with --federation: the folder with the keys of these deployments; ${DEFAULT_FOLDER} by default`,
  },
  keep: { kind: 'boolean', help: 'keep the operator, the agent and their folder for experiments' },
} as const

/** `demo`: acts as an operator, an agent and an API that use a server. */
export const demo = defineCommand({
  help: [
    'Acts as an operator, an agent and a protected API that use a server, and prints each step. The operator registers and proves a domain. The agent gets scopes and a token, and calls the API. The API refuses a call for which the agent has no scope. Then the operator revokes the token and suspends the agent.',
    'With --delegation, an agent hands a part of its authority to a second agent, and this one to a third. The third pays, tries more, and loses its chain to a thief. Then the second agent is suspended, and the audit of each operator is shown. The second operator has the name `partner` below the domain.',
    'With --people, the demo starts an OpenID provider with two users, an MCP server, and an MCP client that knows only the address of the MCP server. You sign in in a browser, allow the client to act for you, and end it; the next call of the tool fails. The server must be one of `npm start` on this machine.',
    'With --federation, an agent of one deployment calls an API of another one, and B explains why it may. Others may not, and B says what is missing. Then a membership ends, and B disables the issuer. The demo acts for everybody, with the keys in the folder of the deployments. At the end the same statements are in force as before, and the demo can run again. It says what stays different.',
    'Otherwise, keys and configuration are in a temporary folder; your own files do not change. At the end the demo releases the domain and removes the folder.',
  ],
  examples: [
    { does: 'with the server of `npm start`', line: 'auth4agent demo' },
    { does: 'agents that act for other agents', line: 'auth4agent demo --delegation' },
    { does: 'a person lets an MCP client act, and ends it', line: 'auth4agent demo --people' },
    { does: 'deployments that trust each other', line: 'auth4agent demo --federation' },
    { does: 'keep everything for experiments', line: 'auth4agent demo --keep' },
    {
      does: 'with another server, and with a domain that you prove in DNS',
      line: 'auth4agent demo --server https://auth.example.com --domain demo.example.com',
    },
  ],
  flags,
  folder: 'unused',
  async run(context) {
    if (context.flags.on('federation')) return runFederation(context)
    if (context.flags.text('deployments') !== undefined) throw usageError('--deployments needs --federation')
    const { flags, fetch, fetchAnyway, signal, note, answer, json } = context
    const server = checkServer(flags.text('server') ?? DEFAULT_SERVER)
    const issuer = flags.text('issuer') ?? server
    const keeps = flags.on('keep')
    const domain = domainOf(context)
    const isAboutPeople = flags.on('people')
    if (isAboutPeople) expectExamples()
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
      const open = (url: string) => context.stdout.isTerminal && !json && openPage(url, context.env)
      if (isAboutPeople) await playPeople({ ...scene, openPage: open })
      else await (flags.on('delegation') ? playDelegation : play)(scene, keeps)
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

/** Returns the domain of the operator. The examples of people have a certificate only for their own domain. */
function domainOf({ flags: chosen }: Context<typeof flags>): string {
  const given = chosen.text('domain')
  if (!chosen.on('people')) return given === undefined ? freshDomain() : normalizeDomain(given)
  const other = given !== undefined ? 'domain' : (['delegation', 'keep'] as const).find((name) => chosen.on(name))
  if (other !== undefined) throw usageError(`--people and --${other} cannot be used together`)
  return freshPeopleDomain()
}

/** What no demo can undo: an end is an end. */
const REMAINS: readonly string[] = [
  '- At B, all tokens of A from before the demo have ended.',
  '- The audit and `trust list --with-ended` have statements that the demo has ended.',
  '- The membership of acme in guild is a new statement, with another id.',
]

/** Runs the story of three deployments. */
async function runFederation(context: Context<typeof flags>): Promise<'ok'> {
  const { flags: given, fetch, fetchAnyway, signal, progress, answer, note, json } = context
  const other =
    (['server', 'issuer', 'domain'] as const).find((name) => given.text(name) !== undefined) ??
    (['delegation', 'people', 'keep'] as const).find((name) => given.on(name))
  if (other !== undefined) throw usageError(`--federation and --${other} cannot be used together`)
  const folder = given.text('deployments') ?? DEFAULT_FOLDER
  const cast = await openCast(folder, fetch)
  await progress('asking the deployments', expectHomes(cast, fetch))
  const pause = (ms: number) => delay(ms, undefined, { signal })
  const scene = { cast, pause, progress }
  await prepare(scene)
  const ending = async () => mend(await openCast(folder, fetchAnyway))
  await playFederation({ ...scene, tell: createNarrator(context) }, ending)
  for (const agent of Object.values(cast.agents)) agent.close()
  if (json) answer({ step: 'as-before', remains: REMAINS }, '', [])
  const before = 'The same statements are in force as before. What stays different:'
  for (const line of [before, ...REMAINS, '', 'Ask yourself:', ...wrapCommand(questionAbout(cast, folder))]) note(line)
  return 'ok'
}

/** A command that repeats a question of the story. */
function questionAbout({ bolt, cargo }: FederationCast, folder: string): string {
  const asked = `--from ${bolt.domain} --to ${cargo.audience} --scope ${SCOPE.asked}`
  return `auth4agent trust explain --config ${join(folder, 'cargo')} ${asked}`
}

/**
 * Reports that the domain could not be released. The key must stay, because only its holder can release the domain.
 */
function stillOwnedStep({ domain, folder }: Pick<Scene, 'domain' | 'folder'>, why: unknown): Told {
  return {
    step: 'still-owned',
    title: 'The domain could not be released, so its key is kept',
    lines: [
      why instanceof Error ? why.message : String(why),
      `Try again: auth4agent operator release-domain --confirm-name ${domain} --config ${folder}`,
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
