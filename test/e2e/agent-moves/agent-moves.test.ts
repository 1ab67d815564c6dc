import { sign } from 'node:crypto'
import { verifyAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
import { type AgentBundle, formatAgentBundle, parseAgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { type Agent, createAgent, type Operator, openCalls, type Signer } from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { endOfLog, move, reusedProof, sendEvent } from '../../support/hand-signed-events.ts'
import { type Keys, newKeys, thumbprintOf } from '../../support/parties.ts'
import { outcomeOf } from '../../support/protocol-client.ts'
import {
  operatorEverywhere,
  type PublicServer,
  provenOperatorAt,
  reasonOfCall,
  startPublicServer,
} from '../../support/public-server.ts'
import { expectStatus } from '../../support/story.ts'
import { until } from '../../support/until.ts'

const bravoKey = generatePrivateKey().signer
const [first, second, third] = [generatePrivateKey().signer, generatePrivateKey().signer, generatePrivateKey().signer]

/** The server that has acme and bravo, and the server of another company, which has charlie. */
let here: PublicServer
let there: PublicServer
let acme: Operator
let bravo: Operator
let charlie: Operator
/** The DIDs of the agent in the order of its moves, and its tokens under each. */
const dids: string[] = []
const tokens: string[] = []
let bundle: AgentBundle

beforeAll(async () => {
  here = await startPublicServer({ AUTH4AGENT_MOVE_DELAY: '2s' })
  there = await startPublicServer()
  acme = await provenOperatorAt(here, 'acme.example.com')
  bravo = await provenOperatorAt(here, 'bravo.example.com', bravoKey)
  charlie = await provenOperatorAt(there, 'charlie.example.org')
})
afterAll(async () => {
  for (const server of [here, there]) await server?.stop()
})

const agentAt = ({ issuer }: PublicServer, did: string, key: Signer = second): Agent =>
  createAgent({ server: issuer, did, key, scopes: ['orders:read'] })
const isValid = async ({ issuer }: PublicServer, token: string) =>
  (await openCalls({ server: issuer }).verifyToken(token)).valid
/** Returns the result of a resolution, and its status. */
async function resolve({ issuer }: PublicServer, did: string) {
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

/** Returns an agent that has committed to a key, whose current key is stolen. */
async function robbedAgent() {
  const [key, stolen, safe] = [newKeys(), newKeys(), newKeys()]
  const { did } = await acme.agents.register({ publicKey: key.publicKey })
  const owner = agentAt(here, did, signerOf(key))
  await owner.rotateKey({ key: signerOf(stolen), next: signerOf(safe) })
  const to = did.replace('acme.example.com', 'bravo.example.com')
  const target = { to, operator_id: bravo.id, issuer: here.issuer }
  return { did, owner, stolen, safe, target, end: await endOfLog(here.deployment.client, did) }
}

it('2. a thief with the current key alone cannot ask to move, and a rotation of the owner ends a move', async () => {
  const { did: unmoved } = await acme.agents.register({ publicKey: generatePrivateKey().signer.publicKey })
  expect(await reasonOfCall(acme.agents.release(unmoved, unmoved))).toBe('NOTHING_PENDING')
  const { did, owner, stolen, safe, target, end } = await robbedAgent()
  // The SDK would send none of these moves.
  const { client } = here.deployment
  for (const [proven, outcome] of [
    [{}, '403 KEY_NOT_COMMITTED'],
    [{ committed: stolen }, '403 KEY_NOT_COMMITTED'],
    [{ committed: safe, prover: stolen }, '400 INVALID_KEY_EVENT'],
  ] as const) {
    expect(outcomeOf(await sendEvent(client, did, move(end, stolen, target, proven)))).toBe(outcome)
  }
  expectStatus(200, await sendEvent(client, did, move(end, stolen, target, { committed: safe })))
  await owner.rotateKey({ key: signerOf(safe) })
  expect(await reasonOfCall(bravo.agents.admit(did))).toBe('NOTHING_PENDING')
  owner.close()
})

it('3. a thief with the current key cannot use the public proof of a move for another event', async () => {
  const { did, owner, stolen, safe, target, end } = await robbedAgent()
  const { client } = here.deployment
  expectStatus(200, await sendEvent(client, did, move(end, stolen, target, { committed: safe })))
  const { pending } = await openCalls({ server: here.issuer }).keyEvents(did)
  const forge = (change: object) => sendEvent(client, did, reusedProof(pending[0]?.event ?? '', stolen, change))
  for (const change of [{ type: 'deactivate' }, { type: 'rotate', next: thumbprintOf(newKeys()) }])
    expect(outcomeOf(await forge(change))).toBe('400 INVALID_KEY_EVENT')
  expect((await openCalls({ server: here.issuer }).keyEvents(did)).pending).toEqual(pending)
  await acme.agents.objectToMove(did, 'not agreed')
  for (const change of [
    { to: did.replace('acme.example.com', 'thief.example.com') },
    { operator_id: charlie.id },
    { issuer: there.issuer },
  ])
    expect(outcomeOf(await forge({ type: 'move', ...target, ...change }))).toBe('400 INVALID_KEY_EVENT')
  await owner.rotateKey({ key: signerOf(safe) })
  owner.close()
})

/** Returns a key for the SDK. */
function signerOf({ publicKey, privateKey }: Keys): Signer {
  return { publicKey, sign: async (message) => sign(null, message, privateKey) }
}

it('4. the agent moves to bravo: acme releases it, and of several admissions at once one admits it', async () => {
  const [did = ''] = dids
  const agent = agentAt(here, did)
  const { to } = await agent.move({ to: 'bravo.example.com', operatorId: bravo.id, key: third })
  expect(await reasonOfCall(bravo.agents.admit(did))).toBe('MOVE_NOT_RELEASED')
  expect(await reasonOfCall(acme.agents.release(did, did))).toBe('NOTHING_PENDING')
  await acme.agents.release(did, to)
  expect(await reasonOfCall(acme.agents.objectToMove(did))).toBe('NOTHING_PENDING')
  const everywhere = operatorEverywhere(here, bravo.id, bravoKey)
  const calls = [...everywhere, ...everywhere, ...everywhere]
  const admissions = await Promise.all(calls.map(({ agents }) => reasonOfCall(agents.admit(did))))
  expect(admissions.filter((reason) => reason === 'done')).toHaveLength(1)
  expect(new Set(admissions)).toEqual(new Set(['done', 'AGENT_EXISTS']))
  dids.push(to)
  agent.close()
})

it('5. no authority has moved: the old token is worth nothing, and the new DID has no scopes', async () => {
  const [old = '', now = ''] = dids
  expect(await isValid(here, tokens[0] ?? '')).toBe(false)
  expect(await reasonOfCall(agentAt(here, old).token())).toBe('AGENT_NOT_ACTIVE')
  expect(await reasonOfCall(agentAt(here, now).token())).toBe('SCOPE_NOT_ALLOWED')
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

it('6. the old DID resolves as deactivated and says where the agent is', async () => {
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

it('7. an agent whose operator neither releases nor objects is admitted after the delay', async () => {
  const key = generatePrivateKey().signer
  const { did } = await acme.agents.register({ publicKey: key.publicKey })
  const agent = agentAt(here, did, key)
  const { to, effectiveAt } = await agent.move({ to: 'bravo.example.com', operatorId: bravo.id })
  expect(effectiveAt?.getTime()).toBeGreaterThan(Date.now() - 60_000)
  await until(
    () => reasonOfCall(bravo.agents.admit(did)),
    (reason) => reason === 'done',
  )
  expect(await bravo.agents.get(to)).toMatchObject({ status: 'active' })
  agent.close()
})

it('8. the delay frees no agent of a frozen operator, which can still object', async () => {
  const { dns } = here.deployment
  const { txt_record_name: name, txt_record_value: record } = await acme.verification.instructions()
  const stolen = generatePrivateKey().signer
  const { did } = await acme.agents.register({ publicKey: stolen.publicKey })
  dns.setTxt(name, [record.replace(/rk=.*/, `rk=${'x'.repeat(43)}`)])
  expect(await acme.verification.confirm()).toMatchObject({ verified: false })
  const thief = agentAt(here, did, stolen)
  const { effectiveAt } = await thief.move({ to: 'bravo.example.com', operatorId: bravo.id })
  await until(
    async () => Date.now(),
    (now) => now > Number(effectiveAt),
  )
  expect(await reasonOfCall(bravo.agents.admit(did))).toBe('MOVE_NOT_RELEASED')
  await acme.agents.objectToMove(did, 'the key was stolen')
  await acme.agents.revoke(did, 'the key was stolen')
  dns.setTxt(name, [record])
  expect(await acme.verification.confirm()).toMatchObject({ verified: true })
  expect(await reasonOfCall(bravo.agents.admit(did))).toBe('AGENT_REVOKED')
  thief.close()
})

it('9. the agent moves to charlie on another server: bravo releases it, and it ends here at once', async () => {
  const [, did = ''] = dids
  const agent = agentAt(here, did)
  const target = { to: 'charlie.example.org', operatorId: charlie.id, issuer: there.issuer }
  const { to } = await agent.move({ ...target, key: third })
  const open = openCalls({ server: here.issuer })
  expect(await reasonOfCall(open.exportAgent(did))).toBe('MOVE_NOT_RELEASED')
  await bravo.agents.release(did, to)
  expect(await isValid(here, tokens[1] ?? '')).toBe(false)
  bundle = await open.exportAgent(did)
  dids.push(to)
  agent.close()
})

it('10. the other server admits the agent from the bundle alone, once', async () => {
  const [, , did = ''] = dids
  // The server that the agent has left is gone.
  await here.leave()
  const changed = { ...bundle, release: `${bundle.release.slice(0, -4)}AAAA` }
  expect(await reasonOfCall(charlie.agents.admit(changed))).toBe('INVALID_BUNDLE')
  const read = parseAgentBundle(formatAgentBundle(bundle))
  expect(read).toEqual({ ...bundle, foundingPublicKey: expect.anything() })
  expect(await charlie.agents.admit(read ?? bundle)).toMatchObject({ did, status: 'active' })
  expect(await reasonOfCall(charlie.agents.admit(bundle))).toBe('AGENT_EXISTS')
  await charlie.agents.setScopes(did, ['orders:read'])
  const agent = agentAt(there, did)
  await agent.rotateKey({ key: third })
  expect(await isValid(there, await agent.token())).toBe(true)
  agent.close()
})

it('11. a stranger verifies the whole history offline', async () => {
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
