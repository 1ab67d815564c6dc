import { recordedInception } from '@auth4agent/core/key-events/key-event'
import { ed25519Jwk, signInception } from '@auth4agent/core/key-events/sign-key-event'
import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RegisterAgentRequestSchema } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { agentLog, didOf, newKey, registerWithLog, type TestKey } from '../../../test/support/agent-log.ts'
import {
  anonymous,
  asOperator,
  everything,
  type IdentityFixture,
  identityFixture,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

let fixture: IdentityFixture
let operator: TestOperator

const now = () => fixture.clock.now
const nowS = () => Math.floor(now() / 1000)
const next = newKey()
const stranger = newKey()

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
})
afterAll(() => fixture.drop())

const register = (key: TestKey, inception: string, caller = anonymous()) =>
  fixture.identity.module.handlers.registerAgent(
    create(RegisterAgentRequestSchema, { operatorId: operator.id, agentPublicKey: key.publicKey, inception }),
    caller,
  )
const sign = (key: TestKey, part: Partial<Parameters<typeof signInception>[1]> = {}) =>
  signInception(key, { did: didOf(key, operator.domain), nowS: nowS(), ...part })
const logOf = (key: TestKey) => agentLog(fixture.identity, didOf(key, operator.domain), now)

/** Asserts the reason of a refusal, and that nothing has changed. */
async function expectRefusal(work: () => Promise<unknown>, reason: string): Promise<void> {
  const before = await everything(fixture.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await everything(fixture.db)).toEqual(before)
}

// Only the newest pending agents are kept, and ids of one millisecond have no order.
beforeEach(() => {
  fixture.clock.now += 1_000
})

describe('an inception that is in the log already', () => {
  it('may be sent again with the registration at any time, and changes nothing', async () => {
    const key = newKey()
    const inception = await sign(key, { next: next.kid })
    const { id } = await register(key, inception)
    fixture.clock.now += 311_000
    const before = await everything(fixture.db)
    expect(await register(key, inception)).toMatchObject({ id, status: 'pending' })
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('may be appended again at any time, and changes nothing', async () => {
    const key = newKey()
    const inception = await sign(key, { next: next.kid })
    await register(key, inception, asOperator(operator))
    fixture.clock.now += 311_000
    const before = await everything(fixture.db)
    expect(await logOf(key).send(inception)).toMatchObject({ seq: 0 })
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('may be appended again if the server has computed it', async () => {
    const agent = await registerWithLog(fixture.identity, operator, now, { isRecorded: true })
    const [event] = (await agent.list()).events ?? []
    expect(await agent.send(event?.event ?? '')).toMatchObject({ seq: 0 })
  })

  it('is not replaced by another one, which must be sent with the registration', async () => {
    const key = newKey()
    await register(key, await sign(key), asOperator(operator))
    const other = await sign(key, { next: next.kid })
    await expectRefusal(() => logOf(key).send(other), 'INVALID_KEY_EVENT')
  })

  it('of a pending agent without one must be new', async () => {
    const key = newKey()
    await register(key, '')
    const old = await sign(key, { nowS: nowS() - 311 })
    await expectRefusal(() => register(key, old), 'INVALID_KEY_EVENT')
  })
})

describe('registerAgent with an inception', () => {
  it.each([
    ['an agent without an assertion', anonymous],
    ['the operator', () => asOperator(operator)],
  ])('stores the inception and its commitment for %s', async (_who, caller) => {
    const key = newKey()
    const inception = await sign(key, { next: next.kid })
    await register(key, inception, caller())
    expect(await logOf(key).state()).toMatchObject({ seq: 0, recorded: false, next: next.kid })
    expect((await logOf(key).list()).events).toMatchObject([{ event: inception }])
  })

  it.each<[string, (key: TestKey) => Promise<string>]>([
    ['no JWS', async () => 'x'],
    ['an inception of another key', () => sign(newKey())],
    ['an inception of another DID', (key) => sign(key, { did: didOf(key, 'other.example') })],
    ['an inception that another key has signed', (key) => sign({ ...key, sign: (message) => stranger.sign(message) })],
    ['an inception that commits to its own key', (key) => sign(key, { next: key.kid })],
    ['an old inception', (key) => sign(key, { nowS: nowS() - 311 })],
    [
      'an inception without a signature',
      async (key) => {
        const did = didOf(key, operator.domain)
        return recordedInception({ did, key: ed25519Jwk(key.publicKey), iat: nowS() })
      },
    ],
    [
      'another event',
      async () => {
        const agent = await registerWithLog(fixture.identity, operator, now)
        return agent.sign(agent.key, { type: 'deactivate' })
      },
    ],
  ])('refuses %s, and registers nothing', async (_name, make) => {
    const key = newKey()
    const inception = await make(key)
    await expectRefusal(() => register(key, inception), 'INVALID_KEY_EVENT')
  })

  it('repeated, also without an inception, answers the same agent and changes nothing', async () => {
    const key = newKey()
    const inception = await sign(key, { next: next.kid })
    const first = await register(key, inception)
    const before = await everything(fixture.db)
    expect(await register(key, inception)).toEqual(first)
    expect(await register(key, '')).toEqual(first)
    expect(await everything(fixture.db)).toEqual(before)
  })

  it('lets a pending agent commit although somebody has registered its key before without an inception', async () => {
    const key = newKey()
    const first = await register(key, '')
    const inception = await sign(key, { next: next.kid })
    expect(await register(key, inception)).toEqual(first)
    expect(await logOf(key).state()).toMatchObject({ recorded: false, next: next.kid })
    await agentCalls(fixture.identity, operator).approve(first.did ?? '')
    await logOf(key).append(key, { type: 'rotate', key: next })
    expect(await logOf(key).state()).toMatchObject({ kid: next.kid })
  })

  it('refuses a second, other inception, and an inception for an agent that is no longer pending', async () => {
    const key = newKey()
    await register(key, await sign(key, { next: next.kid }))
    const other = await sign(key, { next: newKey().kid })
    await expectRefusal(() => register(key, other), 'KEY_EVENT_CONFLICT')
    await agentCalls(fixture.identity, operator).approve(didOf(key, operator.domain))
    await expectRefusal(() => register(key, other), 'AGENT_EXISTS')
  })

  it('stores one inception when two come at the same time', async () => {
    const key = newKey()
    await register(key, '')
    const [one, two] = [await sign(key, { next: next.kid }), await sign(key, { next: newKey().kid })]
    const refusals = await Promise.all([one, two].map((inception) => refusalOf(register(key, inception))))
    expect(new Set(refusals)).toEqual(new Set([undefined, 'KEY_EVENT_CONFLICT']))
    expect((await logOf(key).list()).events).toHaveLength(1)
  })
})
