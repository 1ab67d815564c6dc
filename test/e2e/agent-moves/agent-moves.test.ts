import { sign } from 'node:crypto'
import { verifyAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
import { type AgentBundle, formatAgentBundle, parseAgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import {
  type Agent,
  Auth4AgentError,
  createAgent,
  createOperator,
  type Operator,
  openCalls,
  type Signer,
} from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { endOfLog, move, sendEvent } from '../../support/hand-signed-events.ts'
import { type Keys, newKeys } from '../../support/parties.ts'
import { outcomeOf } from '../../support/protocol-client.ts'
import { expectStatus } from '../../support/story.ts'
import { startTcpProxy, type TcpProxy, targetOf } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'

/** A deployment whose issuer is the address of a proxy in front of its first server. */
interface Server {
  readonly issuer: string
  readonly deployment: Deployment
  readonly proxy: TcpProxy
}

const bravoKey = generatePrivateKey().signer
const [first, second, third] = [generatePrivateKey().signer, generatePrivateKey().signer, generatePrivateKey().signer]

/** The server that has acme and bravo, and the server of another company, which has charlie. */
let here: Server
let there: Server
let acme: Operator
let bravo: Operator
let charlie: Operator
/** The DIDs of the agent in the order of its moves, and its tokens under each. */
const dids: string[] = []
const tokens: string[] = []
let bundle: AgentBundle

beforeAll(async () => {
  here = await start({ AUTH4AGENT_MOVE_DELAY: '2s' })
  there = await start({})
  acme = await operatorOf(here, 'acme.example.com')
  bravo = await operatorOf(here, 'bravo.example.com', bravoKey)
  charlie = await operatorOf(there, 'charlie.example.org')
})
afterAll(async () => {
  for (const server of [here, there]) {
    await server?.proxy.close()
    await server?.deployment.stop()
  }
})

async function start(env: Readonly<Record<string, string>>): Promise<Server> {
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  const issuer = `http://localhost:${proxy.port}`
  const deployment = await startDeployment({ instances: 2, env: { ...env, AUTH4AGENT_BASE_URL: issuer } })
  proxy.repoint(targetOf(deployment.server.baseUrl))
  return { issuer, deployment, proxy }
}

async function operatorOf(
  { issuer, deployment }: Server,
  domain: string,
  key = generatePrivateKey().signer,
): Promise<Operator> {
  const operator = createOperator({ server: issuer, domain, key })
  await operator.register()
  const { txt_record_name, txt_record_value } = await operator.verification.instructions()
  deployment.dns.setTxt(txt_record_name, [txt_record_value])
  expect(await operator.verification.confirm()).toMatchObject({ verified: true })
  return operator
}

const agentAt = ({ issuer }: Server, did: string, key: Signer = second): Agent =>
  createAgent({ server: issuer, did, key, scopes: ['orders:read'] })
const isValid = async ({ issuer }: Server, token: string) =>
  (await openCalls({ server: issuer }).verifyToken(token)).valid
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Auth4AgentError ? error.reason : String(error)),
  )
/** Returns the result of a resolution, and its status. */
async function resolve({ issuer }: Server, did: string) {
  const answer = await fetch(`${issuer}/1.0/identifiers/${did}`)
  return { status: answer.status, ...((await answer.json()) as object) }
}

it('1. an agent of acme rotates its key, commits to the next one, and gets a token', async () => {
  const { did } = await acme.agents.register({ publicKey: first.publicKey })
  dids.push(did)
  await acme.agents.setScopes(did, ['orders:read'])
  const agent = agentAt(here, did, first)
  await agent.rotateKey({ key: second, next: third })
  tokens.push(await agent.token())
  agent.close()
})

it('2. a thief with the current key alone cannot ask to move, and a rotation of the owner ends a move', async () => {
  const { did } = await acme.agents.register({ publicKey: generatePrivateKey().signer.publicKey })
  expect(await reasonOf(acme.agents.release(did, did))).toBe('NOTHING_PENDING')
  const [key, stolen, safe] = [newKeys(), newKeys(), newKeys()]
  const { did: robbed } = await acme.agents.register({ publicKey: key.publicKey })
  const owner = agentAt(here, robbed, signerOf(key))
  await owner.rotateKey({ key: signerOf(stolen), next: signerOf(safe) })
  // The SDK would send none of these moves.
  const { client } = here.deployment
  const to = robbed.replace('acme.example.com', 'bravo.example.com')
  const target = { to, operator_id: bravo.id, issuer: here.issuer }
  const end = await endOfLog(client, robbed)
  for (const [proven, outcome] of [
    [{}, '403 KEY_NOT_COMMITTED'],
    [{ committed: stolen }, '403 KEY_NOT_COMMITTED'],
    [{ committed: safe, prover: stolen }, '400 INVALID_KEY_EVENT'],
  ] as const) {
    expect(outcomeOf(await sendEvent(client, robbed, move(end, stolen, target, proven)))).toBe(outcome)
  }
  expectStatus(200, await sendEvent(client, robbed, move(end, stolen, target, { committed: safe })))
  await owner.rotateKey({ key: signerOf(safe) })
  expect(await reasonOf(bravo.agents.admit(robbed))).toBe('NOTHING_PENDING')
  owner.close()
})

/** Returns a key for the SDK. */
function signerOf({ publicKey, privateKey }: Keys): Signer {
  return { publicKey, sign: async (message) => sign(null, message, privateKey) }
}

it('3. the agent moves to bravo: acme releases it, and of several admissions at once one admits it', async () => {
  const [did = ''] = dids
  const agent = agentAt(here, did)
  const { to } = await agent.move({ to: 'bravo.example.com', operatorId: bravo.id, key: third })
  expect(await reasonOf(bravo.agents.admit(did))).toBe('MOVE_NOT_RELEASED')
  expect(await reasonOf(acme.agents.release(did, did))).toBe('NOTHING_PENDING')
  await acme.agents.release(did, to)
  expect(await reasonOf(acme.agents.objectToMove(did))).toBe('NOTHING_PENDING')
  const servers = here.deployment.servers.map(({ baseUrl }) => baseUrl)
  const admissions = await Promise.all(
    Array.from({ length: 6 }, (_, at) => reasonOf(bravoAt(servers[at % servers.length] ?? '').agents.admit(did))),
  )
  expect(admissions.filter((reason) => reason === 'done')).toHaveLength(1)
  expect(new Set(admissions)).toEqual(new Set(['done', 'AGENT_EXISTS']))
  dids.push(to)
  agent.close()
})

/** The operator bravo, at the address of one process. */
function bravoAt(address: string): Operator {
  return createOperator({ server: address, issuer: here.issuer, operatorId: bravo.id, key: bravoKey })
}

it('4. no authority has moved: the old token is worth nothing, and the new DID has no scopes', async () => {
  const [old = '', now = ''] = dids
  expect(await isValid(here, tokens[0] ?? '')).toBe(false)
  expect(await reasonOf(agentAt(here, old).token())).toBe('AGENT_NOT_ACTIVE')
  expect(await reasonOf(agentAt(here, now).token())).toBe('SCOPE_NOT_ALLOWED')
  expect(await acme.agents.get(old)).toMatchObject({
    status: 'revoked',
    moved_to: now,
    allowed_scopes: ['orders:read'],
  })
  expect(await bravo.agents.get(now)).toMatchObject({ status: 'active', moved_from: old, allowed_scopes: [] })
  await bravo.agents.setScopes(now, ['orders:read'])
  const agent = agentAt(here, now)
  tokens.push(await agent.token())
  expect(await isValid(here, tokens[1] ?? '')).toBe(true)
})

it('5. the old DID resolves as deactivated and says where the agent is', async () => {
  const [old = '', now = ''] = dids
  expect(await resolve(here, old)).toMatchObject({
    status: 410,
    didDocument: { id: old, alsoKnownAs: [now], verificationMethod: [] },
    didDocumentMetadata: { deactivated: true, canonicalId: now },
  })
  expect(await resolve(here, now)).toMatchObject({
    status: 200,
    didDocument: { id: now, alsoKnownAs: [old] },
    didDocumentMetadata: { deactivated: false },
  })
})

it('6. an agent whose operator neither releases nor objects is admitted after the delay', async () => {
  const key = generatePrivateKey().signer
  const { did } = await acme.agents.register({ publicKey: key.publicKey })
  const agent = agentAt(here, did, key)
  const { to, effectiveAt } = await agent.move({ to: 'bravo.example.com', operatorId: bravo.id })
  expect(effectiveAt?.getTime()).toBeGreaterThan(Date.now() - 60_000)
  await until(
    () => reasonOf(bravo.agents.admit(did)),
    (reason) => reason === 'done',
  )
  expect(await bravo.agents.get(to)).toMatchObject({ status: 'active' })
  agent.close()
})

it('7. the agent moves to charlie on another server: bravo releases it, and it ends here at once', async () => {
  const [, did = ''] = dids
  const agent = agentAt(here, did)
  const target = { to: 'charlie.example.org', operatorId: charlie.id, issuer: there.issuer }
  const { to } = await agent.move({ ...target, key: third })
  const open = openCalls({ server: here.issuer })
  expect(await reasonOf(open.exportAgent(did))).toBe('MOVE_NOT_RELEASED')
  await bravo.agents.release(did, to)
  expect(await isValid(here, tokens[1] ?? '')).toBe(false)
  bundle = await open.exportAgent(did)
  dids.push(to)
  agent.close()
})

it('8. the other server admits the agent from the bundle alone, once', async () => {
  const [, , did = ''] = dids
  // The server that the agent has left is gone.
  await here.proxy.close()
  const changed = { ...bundle, release: `${bundle.release.slice(0, -4)}AAAA` }
  expect(await reasonOf(charlie.agents.admit(changed))).toBe('INVALID_BUNDLE')
  const read = parseAgentBundle(formatAgentBundle(bundle))
  expect(read).toEqual({ ...bundle, foundingPublicKey: expect.anything() })
  expect(await charlie.agents.admit(read ?? bundle)).toMatchObject({ did, status: 'active' })
  expect(await reasonOf(charlie.agents.admit(bundle))).toBe('AGENT_EXISTS')
  await charlie.agents.setScopes(did, ['orders:read'])
  const agent = agentAt(there, did)
  await agent.rotateKey({ key: third })
  expect(await isValid(there, await agent.token())).toBe(true)
  agent.close()
})

it('9. a stranger verifies the whole history offline', async () => {
  const [atAcme, atBravo, did = ''] = dids
  const { events } = await openCalls({ server: there.issuer }).keyEvents(did)
  const history = replayKeyEvents(
    events.map(({ event }) => event),
    did,
  )
  expect(history).toMatchObject({ ok: true, state: { did, previousDids: [atAcme, atBravo], recorded: true } })
  expect(events.map(({ type }) => type)).toEqual(['inception', 'rotate', 'move', 'move', 'rotate'])
  const target = { issuer: there.issuer, operatorId: charlie.id, domain: 'charlie.example.org' }
  expect(verifyAgentBundle(bundle, target)).toMatchObject({
    ok: true,
    source: { issuer: here.issuer, operatorId: bravo.id, domain: 'bravo.example.com' },
  })
})
