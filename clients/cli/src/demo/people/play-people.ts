import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { deferred } from '@auth4agent/core/async/waiting'
import { createKeyFile } from '@auth4agent/sdk/node'
import { CliError } from '../../cli-error.ts'
import { addWatchKey, enterOperator, type PlayedOperator, proveDomain, type Scene } from '../parties.ts'
import { unexpected } from '../until-refused.ts'
import { type Example, type Facts, startExample } from './example.ts'

/** What the story of people needs. */
export interface PeopleScene extends Scene {
  /** Opens a page in the browser of the person, if there is one. */
  readonly openPage: (url: string) => void
}

/** How long the demo waits for each click of a person. */
const PATIENCE_MINUTES = 10

/** Returns a new random domain, for which the examples have a certificate. */
export function freshPeopleDomain(): string {
  return `demo-${randomBytes(4).toString('hex')}.demo.test`
}

/**
 * Runs all steps, from a new domain to the refused call of a tool. A person signs in, allows a program, and ends it.
 * At the end the domain is released, and the programs end. Rejects with the error of a failed step.
 */
export async function playPeople(scene: PeopleScene): Promise<void> {
  await using ending = new AsyncDisposableStack()
  const start: Start = (name, ...args) => {
    const example = startExample(`${name}.mjs`, args, scene.signal)
    ending.defer(() => example.stop())
    return example
  }
  const operator = await enterOperator(scene)
  ending.defer(() => operator.giveUp().catch((why: unknown) => scene.stillOwned(why, scene)))
  await proveDomain(scene, operator)
  await nameProvider(scene, operator, start('identity-provider', scene.issuer))
  const resource = await startServer(scene, operator, start)
  await letUsersIn(scene, operator, resource)
  const client = start('mcp-client', resource)
  await callTool(scene, client)
  await endIt(scene, client)
}

type Start = (name: string, ...args: readonly string[]) => Example

async function nameProvider({ domain, tell }: Scene, { operator }: PlayedOperator, idp: Example): Promise<void> {
  const { issuer = '', client_id = '', client_secret = '' } = await idp.next()
  await operator.providers.put('work', { issuer, client_id, client_secret, all_users: true })
  tell({
    step: 'provider-named',
    title: 'The operator names its identity provider',
    lines: [
      `A small OpenID provider with two users, Alice and Bob, runs at ${issuer}.`,
      `The server trusts it for users of ${domain}, and has no passwords itself.`,
    ],
    facts: { issuer },
  })
}

async function startServer(scene: Scene, operator: PlayedOperator, start: Start): Promise<string> {
  const { issuer, domain, folder, tell } = scene
  const keyFile = join(folder, 'keys', 'watch.key')
  const { operatorId } = await addWatchKey(operator, await createKeyFile(keyFile))
  const { resource = '' } = await start('mcp-server', issuer, domain, operatorId, keyFile).next()
  tell({
    step: 'mcp-server-started',
    title: 'An MCP server starts',
    lines: [
      `It is ${resource}, and has the tool whoami. The verifier protects it, and follows revocations.`,
      'It has no list of programs, and no secret that a program could share.',
    ],
    facts: { resource },
  })
  return resource
}

async function letUsersIn({ domain, tell }: Scene, { operator }: PlayedOperator, audience: string): Promise<void> {
  const words = 'See who you are'
  const scopes = [{ name: 'whoami', words, is_default: true }]
  const users = { domains: [domain], clients: 'any', scopes }
  const policy = await operator.policy.get()
  await operator.policy.set({ ...policy, audiences: [...policy.audiences, { audience, callers: [], users }] })
  tell({
    step: 'users-let-in',
    title: 'The operator lets its users come',
    lines: [`Users of ${domain} can let any program call whoami. The page of consent says: ${words}.`],
    facts: { audience, domains: users.domains, scopes: ['whoami'] },
  })
}

async function callTool(scene: PeopleScene, client: Example): Promise<void> {
  const { tell, issuer, openPage } = scene
  const { page = '' } = await client.next()
  // Another page would come from nobody that the person knows.
  if (!page.startsWith(`${issuer}/`)) throw unexpected('the MCP client', 200, page)
  tell({
    step: 'page-wanted',
    title: 'A program connects to the MCP server. Open this page, sign in as Alice, and allow the program',
    lines: [page, 'The program is an MCP client that knows only the address of the MCP server.'],
    facts: { page },
  })
  openPage(page)
  const since = performance.now()
  const { answer, refused } = await untilClicked(scene, client)
  if (answer === undefined) throw new CliError(refused ?? '', { reason: 'ACCESS_DENIED', exit: 'refused' })
  tell({
    step: 'tool-called',
    title: 'The program has called the tool',
    lines: [`whoami: ${answer}`, 'It keeps calling, five times a second.'],
    facts: { answer, clicked_within_ms: Math.round(performance.now() - since) },
  })
}

async function endIt(scene: PeopleScene, client: Example): Promise<void> {
  const { tell, issuer, openPage } = scene
  const page = `${issuer}/people/acting`
  tell({
    step: 'end-wanted',
    title: 'Now end it. Open this page, and choose End',
    lines: [page],
    facts: { page },
  })
  openPage(page)
  for (;;) {
    const { refused } = await untilClicked(scene, client)
    // Before it is refused, the client names the page on which a person could allow it again.
    if (refused === undefined) continue
    tell({
      step: 'tool-refused',
      title: 'The next call of the tool has failed',
      lines: [`whoami: ${refused}`, 'The program has no valid token any more, and gets none without the person.'],
      facts: { refused },
    })
    return
  }
}

/** Waits for what a client tells next, as long as a person may need. */
async function untilClicked({ signal }: Scene, client: Example): Promise<Facts> {
  const late = deferred<never>()
  const timer = setTimeout(() => {
    const message = `Nobody has clicked for ${PATIENCE_MINUTES} minutes`
    late.reject(new CliError(message, { reason: 'NOBODY_CLICKED', exit: 'refused', hint: 'Run the demo again.' }))
  }, PATIENCE_MINUTES * 60_000)
  try {
    return await Promise.race([client.next(), late.promise])
  } finally {
    clearTimeout(timer)
    signal.throwIfAborted()
  }
}
