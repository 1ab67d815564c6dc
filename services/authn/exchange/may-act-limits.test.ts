import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { startInstance, type TestInstance } from '../../../test/support/authn.ts'
import {
  authnState,
  clientAssertion,
  freshOperator,
  insertAgent,
  type TestHolder,
} from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { ACCESS_TOKEN, exchangeToken, provenCall, readDelegated } from '../../../test/support/exchanges.ts'
import { SHOP } from '../../../test/support/held-chains.ts'
import type { TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'

const OTHER = 'https://other.example'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let principal: TestHolder
let client: TestHolder
let stranger: TestHolder

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  operator = await freshOperator(database.db)
  await database.db.prisma.operator.update({ where: { id: operator.id }, data: { maxGrantTtl: 600 } })
  principal = await insertAgent(database.db, operator)
  client = await insertAgent(database.db, operator)
  stranger = await insertAgent(database.db, await freshOperator(database.db))
  await agentCalls(instance.identity, operator).update(principal.did, { maxDelegationDepth: 1 })
})
afterAll(() => database.drop())

/** Gets a bound token of the principal that the client may exchange. */
const tokenFor = async (wishes: Parameters<TestInstance['oauthToken']>[1] = {}) => {
  const request = { scope: 'read', resource: [SHOP, OTHER], mayAct: client.did, ...wishes }
  return instance.oauthToken(principal, request, await provenCall(principal))
}

describe('max_grant_ttl of the operator', () => {
  it('shortens the default lifetime of a token with may_act, and so that of its exchange', async () => {
    const { accessToken = '', expiresIn } = await tokenFor()
    expect(expiresIn).toBe(600)
    const { claims } = readDelegated((await exchangeToken(instance, client, accessToken)).accessToken)
    expect(claims.exp - claims.iat).toBeLessThanOrEqual(600)
    expect((await tokenFor({ mayAct: '' })).expiresIn).toBe(900)
  })

  it.each([
    ['600', undefined],
    ['601', 'INVALID_TTL'],
  ])('decides about a token with may_act for %s seconds: %s', async (ttl, reason) => {
    const bound = await instance.challenge(principal.did, { mayAct: client.did, ttl })
    const free = await instance.challenge(principal.did)
    const terms = { mayAct: client.did, ttl }
    const before = await authnState(database.db)
    for (const [challenge, wishes] of [[bound, {}] as const, [free, terms] as const]) {
      const work = instance.redeem(principal, challenge, wishes, await provenCall(principal))
      expect(await refusalOf(work)).toBe(reason)
    }
    if (reason !== undefined) expect(await authnState(database.db)).toEqual(before)
  })
})

describe('the checks of an access token with may_act are in the order of the protocol', () => {
  it('so an agent that it does not name, and one that it names, learn of its expiry or not', async () => {
    const { accessToken = '' } = await tokenFor()
    const offsetMs = 650_000
    const later = Math.floor(Date.now() / 1000) + offsetMs / 1000
    instance.clock.offsetMs = offsetMs
    onTestFinished(() => {
      instance.clock.offsetMs = 0
    })
    const ask = async (agent: TestHolder) =>
      refusalOf(
        exchangeToken(
          instance,
          agent,
          accessToken,
          clientAssertion(agent, { exp: later + 60 }),
          await provenCall(agent, { nowS: later }),
        ),
      )
    expect(await ask(stranger)).toBe('ACTOR_NOT_AUTHORIZED')
    expect(await ask(client)).toBe('TOKEN_EXPIRED')
  })

  it('so the audience is checked before the DPoP proof that may_act needs', async () => {
    const owner = await freshOperator(database.db)
    const audience = `https://api.${owner.domain}/v1`
    await database.db.prisma.operatorAudience.create({ data: { operatorId: owner.id, audience, callers: [] } })
    for (const [resource, reason] of [
      [audience, 'AUDIENCE_NOT_ALLOWED'] as const,
      [SHOP, 'DPOP_PROOF_REQUIRED'] as const,
    ]) {
      const work = instance.oauthToken(principal, { resource: [resource], mayAct: client.did })
      expect(await refusalOf(work)).toBe(reason)
    }
  })

  it('so an expired actor token of another agent is refused as impersonation', async () => {
    const { accessToken: actorToken = '' } = await instance.oauthToken(stranger)
    const offsetMs = 1_000_000
    const later = Math.floor(Date.now() / 1000) + offsetMs / 1000
    instance.clock.offsetMs = offsetMs
    onTestFinished(() => {
      instance.clock.offsetMs = 0
    })
    const at = async (agent: TestHolder) => provenCall(agent, { nowS: later })
    const proofBy = (agent: TestHolder) => clientAssertion(agent, { exp: later + 60 })
    const request = { scope: 'read', resource: [SHOP], mayAct: client.did, ...proofBy(principal) }
    const { accessToken = '' } = await instance.oauthToken(principal, request, await at(principal))
    const wishes = { ...proofBy(client), actorToken, actorTokenType: ACCESS_TOKEN }
    const work = exchangeToken(instance, client, accessToken, wishes, await at(client))
    expect(await refusalOf(work)).toBe('IMPERSONATION_REFUSED')
  })
})

it.each([
  [16, 'SCOPE_NOT_ALLOWED'],
  [17, 'INVALID_ARGUMENT'],
])('an exchange for %d scopes at two resources is %s, because 32 capabilities are the most', async (count, reason) => {
  const { accessToken = '' } = await tokenFor()
  const scope = Array.from({ length: count }, (_, at) => `scope-${at}`).join(' ')
  const work = exchangeToken(instance, client, accessToken, { scope, resource: [SHOP, OTHER] })
  expect(await refusalOf(work)).toBe(reason)
})

it('the refusal of a revoked access token names subject_token, and no grant', async () => {
  const { accessToken = '' } = await tokenFor()
  await instance.revokeOwn(principal, accessToken)
  await expect(exchangeToken(instance, client, accessToken)).rejects.toThrow(/^subject_token: /)
})
