import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { verifyAgentBundle } from '@auth4agent/core/key-events/agent-bundle'
import { type AgentBundle, formatAgentBundle, parseAgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import {
  createOperator,
  generateP256KeyPair,
  newIdentity,
  type Operator,
  type OperatorSigner,
  openCalls,
  type Signer,
  signerFromP256KeyPair,
  signKeyRequest,
  signRecovery,
} from '@auth4agent/sdk'
import { generatePrivateKey } from '@auth4agent/sdk/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { operatorEverywhere, type PublicServer, reasonOfCall } from '../../support/public-server.ts'
import { until } from '../../support/until.ts'
import type { Person } from '../operator-team/person.ts'
import { forge, logOf, object, proving, send, signIns, stateOf, verdicts } from './everywhere.ts'
import { REFUSED_BUNDLES, REFUSED_LOGS, type Stolen, UNSEEN_LOGS } from './forgeries.ts'
import { THEFTS } from './thefts.ts'
import { loadKey, startWorld, type World } from './world.ts'

const DOMAIN = 'acme.example.com'
const OTHER = 'bravo.example.org'

const newKey = () => generatePrivateKey().signer
/** The identity keys of the agent, in their order. Each event that makes one of them current commits to the next. */
const [first, second, third, fourth, fifth] = [newKey(), newKey(), newKey(), newKey(), newKey()]
/** The thief steals `second`, and has a key and a device of its own. */
const own = newKey()
const device = await signerFromP256KeyPair(await generateP256KeyPair())
const pipeline = await signerFromP256KeyPair(await generateP256KeyPair())

let world: World
let here: PublicServer
let there: PublicServer
let alice: Person
let bob: Person
let mallory: Operator
let bravo: Operator
let agentAt: World['agentAt']
let bobKey: Signer
let acme: Operator
/** The DID of the agent before and after its move, and the token that it got last. */
let did: string
let to: string
let token: string
/** All that the stranger has. */
let bundle: AgentBundle
let log: readonly string[]

beforeAll(async () => {
  world = await startWorld()
  ;({ here, there, alice, bob, mallory, bravo, agentAt } = world)
})
afterAll(() => world?.[Symbol.asyncDispose]())

const everyProcess = (key: OperatorSigner) => operatorEverywhere(here, acme.id, key)
/** Returns the reasons with which the processes of the first server refuse a key of acme, or `done`. */
const answersTo = async (key: OperatorSigner) => {
  const reasons = everyProcess(key).map(({ agents: calls }) => reasonOfCall(Array.fromAsync(calls.list())))
  return new Set(await Promise.all(reasons))
}

describe('a team of two people and a pipeline', () => {
  it('1. alice proves the domain, and adds the keys of bob and of the pipeline', async () => {
    const server = `--server ${here.issuer}`
    await alice.json(`init --operator --domain ${DOMAIN} ${server}`)
    const { id } = await alice.json('operator register')
    const { txt_record_name, txt_record_value } = await alice.json('operator show-proof')
    here.deployment.dns.setTxt(String(txt_record_name), [String(txt_record_value)])
    expect(await alice.json('operator confirm')).toMatchObject({ verified: true })
    acme = createOperator({ server: here.issuer, operatorId: String(id), key: await loadKey(alice) })
    const place = `--operator-id ${acme.id} --domain ${DOMAIN} ${server}`
    const { request } = await bob.json(`operator-key request --label bob --role agents.manage ${place}`)
    await alice.json('operator-key add --request -', String(request))
    bobKey = await loadKey(bob, 'bob')
    const wanted = { operatorId: acme.id, issuer: here.issuer, label: 'pipeline', roles: ['agents.register'] } as const
    await alice.json('operator-key add --request -', await signKeyRequest(pipeline, wanted))
  })

  it('2. the pipeline registers an agent that commits to its next key, and bob grants scopes to it', async () => {
    const [, byPipeline] = everyProcess(pipeline)
    const identity = await newIdentity({ key: first, domain: DOMAIN, next: second })
    expect(await byPipeline?.agents.register(identity)).toMatchObject({ status: 'active' })
    ;({ did } = identity)
    expect(await reasonOfCall(Promise.resolve(byPipeline?.agents.setScopes(did, ['read'])))).toBe('ROLE_REQUIRED')
    expect(await bob.json(`scope set ${did} --scope read`)).toMatchObject({ updated: true })
    token = await agentAt(here, did, first).token()
    expect(await verdicts(here, token)).toEqual([true])
  })

  it('3. alice removes bob, whom every process refuses at once, while the others work on', async () => {
    expect(await answersTo(bobKey)).toEqual(new Set(['done']))
    await alice.json('operator-key remove bob')
    expect(await answersTo(bobKey)).toEqual(new Set(['INVALID_ASSERTION']))
    expect(await answersTo(pipeline)).toEqual(new Set(['done']))
    expect(await verdicts(here, token)).toEqual([true])
  })
})

describe('an agent whose current key is stolen', () => {
  it('4. had rotated to its committed key, after which its first key and old token are worth nothing', async () => {
    await agentAt(here, did, first).rotateKey({ key: second, next: third })
    expect(await verdicts(here, token)).toEqual([false])
    expect(await signIns(here, did, first)).toEqual(['INVALID_SIGNATURE'])
    expect(await signIns(here, did, second)).toEqual(['done'])
  })

  it.each(THEFTS)('5. the thief cannot $name at any process', async ({ change, reason }) => {
    const before = await logOf(here, did)
    const malloryDid = did.replace(DOMAIN, 'mallory.example.net')
    const move = { type: 'move', to: malloryDid, operatorId: mallory.id, issuer: here.issuer } as const
    expect(await send(here, did, await forge(before, second, change({ move, own })))).toEqual([reason])
    expect(await logOf(here, did)).toEqual(before)
    expect(await reasonOfCall(mallory.agents.admit(did))).toBe('NOTHING_PENDING')
  })

  it('6. the thief can sign in and add a key, until alice suspends the agent', async () => {
    const thief = agentAt(here, did, second)
    token = await thief.token()
    await thief.addKey({ key: device, label: 'backup', expires: '1d' })
    expect(await signIns(here, did, device)).toEqual(['done'])
    await alice.json(`agent suspend ${did}`)
    expect(await verdicts(here, token)).toEqual([false])
    for (const key of [second, device]) expect(await signIns(here, did, key)).toEqual(['AGENT_NOT_ACTIVE'])
  })

  it('7. the thief can object to a recovery, but only with the stolen key', async () => {
    const digest = await beginRecovery()
    expect(await object(here, did, own, digest)).toEqual(['INVALID_STATEMENT'])
    await agentAt(here, did, second).objectToRecovery()
    expect((await openCalls({ server: here.issuer }).keyEvents(did)).pending).toEqual([])
  })

  it('8. a recovery to which nobody objects takes effect, and the stolen key is worth nothing', async () => {
    const digest = await beginRecovery()
    await until(
      () => logOf(here, did),
      (events) => stateOf(events).kid === signerKid(third),
    )
    expect(await object(here, did, second, digest)).toEqual(['NOTHING_PENDING'])
    await alice.json(`agent reactivate ${did}`)
    expect(await signIns(here, did, second)).toEqual(['INVALID_SIGNATURE'])
    const late = await forge(await logOf(here, did), second, { type: 'rotate', key: proving(own) })
    expect(await send(here, did, late)).toEqual(['INVALID_KEY_EVENT'])
  })

  it('9. the owner removes the key of the thief, which has survived, and gets a token', async () => {
    const owner = agentAt(here, did, third)
    const { state } = await owner.keyEvents()
    expect(state?.addedKeys.map(({ label }) => label)).toEqual(['backup'])
    expect(await signIns(here, did, device)).toEqual(['done'])
    for (const { kid } of state?.addedKeys ?? []) await owner.removeKey(kid)
    expect(await signIns(here, did, device)).toEqual(['INVALID_SIGNATURE'])
    token = await owner.token()
    expect(await verdicts(here, token)).toEqual([true])
  })
})

/** Starts a recovery: the owner signs it with the committed key, and alice sends it. Returns its digest. */
async function beginRecovery(): Promise<string> {
  const before = await openCalls({ server: here.issuer }).keyEvents(did)
  const event = await signRecovery({ log: before, key: third, next: fourth })
  await alice.json(`agent-key recover ${did} --recovery -`, event)
  return sha256Text(event, 'base64url')
}

describe('the move to another company', () => {
  it('10. needs the committed key, and the release by a key that alice has not removed', async () => {
    const owner = agentAt(here, did, third)
    const target = { to: OTHER, operatorId: bravo.id, issuer: there.issuer }
    expect(await reasonOfCall(owner.move(target))).toBe('KEY_NOT_COMMITTED')
    ;({ to } = await owner.move({ ...target, key: fourth }))
    for (const { agents: byBob } of everyProcess(bobKey))
      expect(await reasonOfCall(byBob.release(did, to))).toBe('INVALID_ASSERTION')
    await acme.agents.release(did, to)
    expect(await verdicts(here, token)).toEqual([false])
    expect(await signIns(here, did, third)).toEqual(['AGENT_NOT_ACTIVE'])
    const text = formatAgentBundle(await openCalls({ server: here.issuer }).exportAgent(did))
    bundle = parseAgentBundle(text) ?? expect.fail('The text must be a bundle')
  })

  it('11. needs only the bundle: the agent lives on at every process of the other server', async () => {
    await here.leave()
    expect(await bravo.agents.admit(bundle)).toMatchObject({ did: to, status: 'active' })
    await bravo.agents.setScopes(to, ['read'])
    await agentAt(there, to, third).rotateKey({ key: fourth, next: fifth })
    expect(await signIns(there, to, third)).toEqual(['INVALID_SIGNATURE'])
    expect(await signIns(there, to, fourth)).toEqual(['done'])
    log = await logOf(there, to)
  })
})

describe('a stranger without a server', () => {
  it('12. verifies the whole history, and that the log continues the bundle', async () => {
    await there.leave()
    expect(verifyAgentBundle(bundle, target())).toMatchObject({
      ok: true,
      source: { issuer: here.issuer, operatorId: acme.id, domain: DOMAIN },
      state: { did: to, previousDids: [did], recorded: false },
    })
    const history = replayKeyEvents(log, to, stateOf(bundle.events))
    expect(history).toMatchObject({
      ok: true,
      state: { did: to, kid: signerKid(fourth), next: signerKid(fifth), deactivated: false, addedKeys: [] },
    })
    const types = log.map((event) => parseKeyEvent(event)).map((event) => event.ok && event.claims.type)
    expect(types.join(' ')).toBe('inception rotate add-key recover remove-key move rotate')
    const readStdin = async () => log.join('\n')
    const { stdout } = await runCli(['agent-key', 'verify-events', '--file', '-', '--json'], { readStdin })
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, did: to, seq: 6 })
  })

  it.each(REFUSED_LOGS)('13. refuses $name', async ({ forge: forgery, at, why }) => {
    expect(replayKeyEvents(await forgery(stolen()), to)).toMatchObject({ ok: false, at, why })
  })

  it.each(UNSEEN_LOGS)('14. refuses $name, because it has seen the end before', async ({ forge: forgery }) => {
    const forged = await forgery(stolen())
    expect(replayKeyEvents(forged, to)).toMatchObject({ ok: true })
    expect(replayKeyEvents(forged, to, stateOf(log))).toMatchObject({ ok: false, why: 'conflict' })
  })

  it.each(REFUSED_BUNDLES)('15. refuses a bundle $name', async ({ forge: forgery, part }) => {
    const forged = await forgery(bundle, { operatorId: acme.id, removed: bobKey, own })
    expect(verifyAgentBundle(forged, target())).toMatchObject({ ok: false, part })
  })
})

const target = () => ({ issuer: there.issuer, operatorId: bravo.id, domain: OTHER })
const stolen = (): Stolen => ({
  log,
  first,
  second,
  own,
  move: { type: 'move', to, operatorId: bravo.id, issuer: there.issuer },
})
