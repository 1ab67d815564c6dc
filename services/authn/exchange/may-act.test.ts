import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentCalls } from '../../../test/support/agent-calls.ts'
import { startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { clientAssertion, freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { endOfDelegated, exchangeToken, provenCall, readDelegated } from '../../../test/support/exchanges.ts'
import { expectRefusal } from '../../../test/support/expect-refusal.ts'
import { SHOP } from '../../../test/support/held-chains.ts'
import { anonymous, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { insertTokenKey } from '../../../test/support/tokens.ts'
import { endTrust, newTrust } from '../../../test/support/trust-records.ts'

const OTHER = 'https://other.example'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let partner: TestOperator
let principal: TestHolder
let client: TestHolder
let stranger: TestHolder
let key: Awaited<ReturnType<typeof insertTokenKey>>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  key = await insertTokenKey(database.db, 'retiring')
  operator = await freshOperator(database.db)
  partner = await freshOperator(database.db)
  await database.db.prisma.operator.update({ where: { id: operator.id }, data: { delegateTo: [partner.domain] } })
  principal = await insertAgent(database.db, operator)
  client = await insertAgent(database.db, partner)
  stranger = await insertAgent(database.db, await freshOperator(database.db))
  await agentCalls(instance.identity, operator).update(principal.did, { maxDelegationDepth: 1 })
})
afterAll(() => database.drop())

type Wishes = Parameters<TestInstance['oauthToken']>[1]

/** Gets a bound token of the principal that the client may exchange. */
const tokenFor = async (wishes: Wishes = {}, agent = principal) => {
  const request = { scope: 'read write', resource: [SHOP, OTHER], mayAct: client.did, ...wishes }
  return (await instance.oauthToken(agent, request, await provenCall(agent))).accessToken ?? ''
}
const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

describe('a token names the agent that may act', () => {
  it('when an OAuth request says so, or the assertion', async () => {
    expect(claimsOf(await tokenFor())).toMatchObject({
      sub: principal.did,
      may_act: { sub: client.did },
      cnf: { jkt: thumbprint(principal.publicKey) },
    })
    const covered = clientAssertion(principal, { may_act: { sub: client.did } })
    expect(claimsOf(await tokenFor({ ...covered, mayAct: '' })).may_act).toEqual({ sub: client.did })
  })

  it('when the challenge or IssueToken says so', async () => {
    const bound = await instance.challenge(principal.did, { mayAct: client.did })
    const free = await instance.challenge(principal.did)
    for (const [made, wishes] of [[bound, {}] as const, [free, { mayAct: client.did }] as const]) {
      const answer = await instance.redeem(principal, made, wishes, await provenCall(principal))
      expect(claimsOf(answer.token).may_act).toEqual({ sub: client.did })
    }
  })

  it('and no token does otherwise', async () => {
    expect(claimsOf(await tokenFor({ mayAct: '' })).may_act).toBeUndefined()
  })

  it.each<[string, string, () => Promise<unknown>]>([
    ['DPOP_PROOF_REQUIRED', 'without a DPoP proof', () => instance.oauthToken(principal, { mayAct: client.did })],
    ['INVALID_ARGUMENT', 'for a text that is no DID', () => tokenFor({ mayAct: 'did:web:x' })],
    ['DELEGATION_NOT_ALLOWED', 'for an agent of another domain', () => tokenFor({ mayAct: stranger.did })],
    ['DELEGATION_NOT_ALLOWED', 'for itself', () => tokenFor({ mayAct: principal.did })],
    ['DELEGATION_NOT_ALLOWED', 'for an agent that may not delegate', () => tokenFor({ mayAct: principal.did }, client)],
    [
      'BINDING_MISMATCH',
      'that the assertion does not name',
      () => tokenFor(clientAssertion(principal, { may_act: { sub: stranger.did } })),
    ],
    [
      'INVALID_ASSERTION',
      'in an assertion in another form',
      () => tokenFor(clientAssertion(principal, { may_act: client.did })),
    ],
    [
      'INVALID_ASSERTION',
      'in an assertion with a further member',
      () => tokenFor(clientAssertion(principal, { may_act: { sub: client.did, iss: 'x' } })),
    ],
  ])('%s %s', async (reason, _, work) => {
    await expectRefusal(database.db, work, reason)
  })

  it('BINDING_REQUIRED when the operator demands terms in what the agent signs', async () => {
    const careful = await insertAgent(database.db, operator)
    const data = { requireBoundChallenges: true, maxDelegationDepth: 1 }
    await database.db.prisma.agent.update({ where: { id: careful.id }, data })
    const terms = { scope: 'read', resource: [SHOP] }
    const ask = (claims: object) => tokenFor({ ...clientAssertion(careful, claims), ...terms }, careful)
    await expectRefusal(database.db, () => ask(terms), 'BINDING_REQUIRED')
    expect(await refusalOf(ask({ ...terms, may_act: { sub: client.did } }))).toBeUndefined()
  })

  it('INVALID_ARGUMENT for a challenge, with the terms of a grant', async () => {
    const wishes = { mayAct: client.did, maxDepth: 1 }
    expect(await refusalOf(instance.challenge(principal.did, wishes))).toBe('INVALID_ARGUMENT')
  })
})

describe('an access token is exchanged', () => {
  it('by the agent that it names, for no more than it allows', async () => {
    const subject = await tokenFor()
    const { jti } = claimsOf(subject)
    const answer = await exchangeToken(instance, client, subject, { resource: [SHOP] })
    const { claims, kid } = readDelegated(answer.accessToken)
    expect(claims).toMatchObject({
      sub: principal.did,
      client_id: client.did,
      aud: [SHOP],
      scope: 'read',
      cnf: { jkt: thumbprint(client.publicKey) },
    })
    expect(claims.exp).toBeLessThanOrEqual(claimsOf(subject).exp)
    expect(claims.lineage).toMatchObject([
      { did: principal.did, operatorId: operator.id, id: jti, kid },
      { did: client.did, operatorId: partner.id, id: jti, kid },
    ])
    expect(await endOfDelegated(database.db, answer.accessToken)).toBeUndefined()
    const records = await database.db.prisma.auditLog.findMany({ where: { subject: claims.jti } })
    expect(new Set(records.map(({ operatorId }) => operatorId))).toEqual(new Set([operator.id, partner.id]))
    await instance.revokeOwn(principal, subject)
    expect(await endOfDelegated(database.db, answer.accessToken)).toBe('TOKEN_REVOKED')
    await expectRefusal(database.db, () => exchangeToken(instance, client, subject), 'TOKEN_REVOKED')
  })

  it('and ends with an edge of the subject token', async () => {
    const trust = newTrust()
    const subject = key.sign({ ...claimsOf(await tokenFor()), ...trust.claims })
    const { accessToken } = await exchangeToken(instance, client, subject)
    expect(readDelegated(accessToken).claims).toMatchObject(trust.claims)
    expect(await endOfDelegated(database.db, accessToken)).toBeUndefined()
    await endTrust(database.db.pool, 'edge', trust)
    expect(await endOfDelegated(database.db, accessToken)).toBe('TRUST_ENDED')
    await expectRefusal(database.db, () => exchangeToken(instance, client, subject), 'TRUST_ENDED')
  })

  it.each<[string, string, () => Promise<unknown>]>([
    ['ACTOR_NOT_AUTHORIZED', 'by another agent', async () => exchangeToken(instance, stranger, await tokenFor())],
    [
      'ACTOR_NOT_AUTHORIZED',
      'without may_act',
      async () => exchangeToken(instance, client, await tokenFor({ mayAct: '' })),
    ],
    [
      'EXCHANGE_THE_CHAIN',
      'after an exchange',
      async () => {
        const { accessToken = '' } = await exchangeToken(instance, client, await tokenFor())
        return exchangeToken(instance, client, accessToken)
      },
    ],
    [
      'SCOPE_NOT_ALLOWED',
      'with a scope that it does not have',
      async () => exchangeToken(instance, client, await tokenFor({ scope: 'read' }), { scope: 'write' }),
    ],
    [
      'AUDIENCE_NOT_ALLOWED',
      'for a resource that it is not for',
      async () => exchangeToken(instance, client, await tokenFor(), { resource: ['https://third.example'] }),
    ],
    [
      'UNSUPPORTED_AUTHORIZATION_DETAILS',
      'with authorization_details',
      async () => exchangeToken(instance, client, await tokenFor(), { authorizationDetails: '[]' }),
    ],
    [
      'INVALID_ARGUMENT',
      'with may_act',
      async () => exchangeToken(instance, client, await tokenFor(), { mayAct: stranger.did }),
    ],
    [
      'BINDING_MISMATCH',
      'with may_act in the assertion',
      async () =>
        exchangeToken(instance, client, await tokenFor(), clientAssertion(client, { may_act: { sub: stranger.did } })),
    ],
    ['INVALID_SUBJECT_TOKEN', 'that is malformed', () => exchangeToken(instance, client, 'a.b.c')],
    [
      'INVALID_SUBJECT_TOKEN',
      'with another signature',
      async () => exchangeToken(instance, client, `${(await tokenFor()).slice(0, -4)}AAAA`),
    ],
    [
      'DPOP_PROOF_REQUIRED',
      'without a DPoP proof',
      async () => exchangeToken(instance, client, await tokenFor(), {}, anonymous()),
    ],
  ])('%s %s', async (reason, _, work) => {
    expect(await refusalOf(work())).toBe(reason)
  })
})
