import type { DelegatedClaims } from '@auth4agent/core/delegation/delegated-claims'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestHolder } from '../../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { delegatedClaims, delegatedPayload } from '../../../test/support/delegated-tokens.ts'
import { ACCEPT, insertGrantKey } from '../../../test/support/held-chains.ts'
import { anonymous, asOperator, type TestOperator } from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { insertTokenKey } from '../../../test/support/tokens.ts'
import { endTrust, newTrust } from '../../../test/support/trust-records.ts'

let database: TestDatabase
let instance: TestInstance
let tokens: Awaited<ReturnType<typeof insertTokenKey>>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  tokens = await insertTokenKey(database.db, 'retiring')
})
afterAll(() => database.drop())

type Triple<T> = readonly [T, T, T]

interface Stage {
  readonly operators: Triple<TestOperator>
  readonly agents: Triple<TestHolder>
  readonly claims: DelegatedClaims
  readonly token: string
}

/** Each test gets parties of its own, of three operators. */
async function begin(kid?: string): Promise<Stage> {
  const { db } = database
  const operators: Triple<TestOperator> = [await freshOperator(db), await freshOperator(db), await freshOperator(db)]
  const [a, b, c] = operators
  const agents: Triple<TestHolder> = [await insertAgent(db, a), await insertAgent(db, b), await insertAgent(db, c)]
  const claims = delegatedClaims(agents, kid === undefined ? {} : { kid })
  return { operators, agents, claims, token: tokens.sign(delegatedPayload(agents, claims)) }
}
const raise = { epoch: { increment: 1 } }
const raiseAgent = ({ id }: TestHolder) => database.db.prisma.agent.update({ where: { id }, data: raise })
const revokeId = ({ claims, operators }: Stage, id: 'token' | 0 | 1 | 2, by: 0 | 1 | 2) => {
  const jti = id === 'token' ? claims.jti : (claims.lineage[id]?.id ?? '')
  return instance.revoke({ jti }, asOperator(operators[by]))
}
const verify = (text: string) => instance.verify(text, ACCEPT)
const audit = (subject: string) => database.db.prisma.auditLog.findMany({ where: { subject } })

describe('a delegated token is not valid', () => {
  const ends: [string, number | undefined, string, (stage: Stage) => Promise<unknown>][] = [
    ['AGENT_TOKENS_ENDED', 0, 'the epoch of the principal rises', ({ agents: [a] }) => raiseAgent(a)],
    ['AGENT_TOKENS_ENDED', 1, 'the epoch of the middle agent rises', ({ agents: [, b] }) => raiseAgent(b)],
    ['AGENT_TOKENS_ENDED', 2, 'the epoch of the agent that acts rises', ({ agents: [, , c] }) => raiseAgent(c)],
    [
      'OPERATOR_TOKENS_ENDED',
      1,
      "the epoch of the middle agent's operator rises",
      ({ operators: [, { id }] }) => database.db.prisma.operator.update({ where: { id }, data: raise }),
    ],
    ['TOKEN_REVOKED', 0, 'the root is revoked', (stage) => revokeId(stage, 0, 0)],
    ['TOKEN_REVOKED', 1, 'the middle grant is revoked by the operator above', (stage) => revokeId(stage, 1, 0)],
    ['TOKEN_REVOKED', 2, 'the last grant is revoked by the middle operator', (stage) => revokeId(stage, 2, 1)],
    ['TOKEN_REVOKED', undefined, "the principal's operator revokes it by id", (stage) => revokeId(stage, 'token', 0)],
    ['TOKEN_REVOKED', undefined, 'the middle operator revokes it by id', (stage) => revokeId(stage, 'token', 1)],
    ['TOKEN_REVOKED', undefined, "the actor's operator revokes it by id", (stage) => revokeId(stage, 'token', 2)],
  ]
  it.each(ends)('and the answer is %s for party %s, when %s', async (reason, hop, _, end) => {
    const stage = await begin()
    expect(await verify(stage.token)).toMatchObject({ valid: true })
    await end(stage)
    const answer = await verify(stage.token)
    expect(answer).toMatchObject({ valid: false, revoked: true, reason })
    expect([answer.hop, answer.claims, answer.delegation]).toEqual([hop, undefined, undefined])
    // A token that is exchanged afterwards has the same lineage. An end of the token alone does not end it.
    const late = tokens.sign(delegatedPayload(stage.agents, { lineage: stage.claims.lineage }))
    expect(await verify(late)).toMatchObject(hop === undefined ? { valid: true } : { valid: false, reason, hop })
  })

  it('and the answer is TRUST_ENDED, after a record about an edge of its trust', async () => {
    const { agents } = await begin()
    const trust = newTrust()
    const token = tokens.sign(delegatedPayload(agents, trust.claims))
    expect(await verify(token)).toMatchObject({ valid: true })
    await endTrust(database.db.pool, 'edge', trust)
    const answer = await verify(token)
    expect(answer).toMatchObject({ valid: false, revoked: true, reason: 'TRUST_ENDED' })
    expect(answer.hop).toBeUndefined()
  })

  it.each([
    ['a middle grant is revoked by the operator below', 1, 2],
    ['the root is revoked by the operator of the middle agent', 0, 1],
  ] as const)('but it stays valid when %s', async (_, id, by) => {
    const stage = await begin()
    await revokeId(stage, id, by)
    expect(await verify(stage.token)).toMatchObject({ valid: true })
  })

  it.each(['compromised', 'retired'] as const)(
    'and the answer is UNKNOWN_KEY, when the key of a grant in its lineage is %s',
    async (state) => {
      const { kid } = await insertGrantKey(database.db)
      const { token } = await begin(kid)
      expect(await verify(token)).toMatchObject({ valid: true })
      await database.db.prisma.jwksKey.update({ where: { kid }, data: { state } })
      expect(await verify(token)).toMatchObject({ valid: false, revoked: false, reason: 'UNKNOWN_KEY', hop: 0 })
    },
  )
})

describe('revokeToken with a delegated token', () => {
  it.each([0, 1, 2] as const)('ends it for the operator of party %i, in the log of that operator', async (place) => {
    const { operators, claims, token } = await begin()
    const by = operators[place]
    expect(await instance.revoke({ token, reason: 'leaked' }, asOperator(by))).toMatchObject({ jti: claims.jti })
    expect(await verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
    expect(await audit(claims.jti)).toMatchObject([{ operatorId: by.id, action: 'token.revoke', reason: 'leaked' }])
  })

  it.each<[string, string, (stage: Stage) => Promise<unknown>]>([
    ['UNAUTHENTICATED', 'nobody, who only holds it', async ({ token }) => instance.revoke({ token }, anonymous())],
    [
      'PERMISSION_DENIED',
      'another operator',
      async ({ token }) => instance.revoke({ token }, asOperator(await freshOperator(database.db))),
    ],
    [
      'TOKEN_NOT_OURS',
      'an operator, but with another signature',
      async ({ token, operators: [a], agents }) => {
        const other = tokens.sign(delegatedPayload(agents)).split('.')[2]
        return instance.revoke({ token: `${token.slice(0, token.lastIndexOf('.'))}.${other}` }, asOperator(a))
      },
    ],
  ])('answers %s to %s, and ends nothing', async (reason, _, call) => {
    const stage = await begin()
    const { revoked } = (await authnState(database.db)) as { revoked: unknown }
    expect(await refusalOf(call(stage))).toBe(reason)
    expect(await authnState(database.db)).toMatchObject({ revoked })
    expect(await verify(stage.token)).toMatchObject({ valid: true })
  })
})

describe('/oauth/revoke with a delegated token', () => {
  it.each([0, 1, 2] as const)('ends it for party %i', async (place) => {
    const { agents, claims, token } = await begin()
    const client = agents[place]
    await instance.revokeOwn(client, token)
    expect(await verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
    expect(await audit(claims.jti)).toMatchObject([
      { operatorId: client.operatorId, actor: `agent:${client.did}`, action: 'token.revoke' },
    ])
  })

  it('does nothing for an agent of the same operator that is no party, and for a text that is not genuine', async () => {
    const { operators, agents, claims, token } = await begin()
    await instance.revokeOwn(await insertAgent(database.db, operators[0]), token)
    await instance.revokeOwn(agents[0], `${token.slice(0, -4)}AAAA`)
    expect(await verify(token)).toMatchObject({ valid: true })
    expect(await audit(claims.jti)).toEqual([])
  })
})
