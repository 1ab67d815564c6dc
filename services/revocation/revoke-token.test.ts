import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  authnState,
  freshOperator,
  ISSUER,
  insertAgent,
  startInstance,
  type TestAgent,
  type TestInstance,
} from '../../test/support/authn.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { anonymous, asOperator, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { claimsOf, insertTokenKey, signToken } from '../../test/support/tokens.ts'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent
let key: Awaited<ReturnType<typeof insertTokenKey>>

beforeAll(async () => {
  database = await testDatabase()
  key = await insertTokenKey(database.db, 'retiring')
  instance = await startInstance(database.db)
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})
afterAll(() => database.drop())

const nowS = () => Math.floor(Date.now() / 1000)
const aged = (seconds: number) => {
  const iat = nowS() - seconds
  return { iat, nbf: iat, exp: iat + 900 }
}
const rowOf = (jti: string) => database.db.prisma.revokedToken.findFirst({ where: { jti } })
const auditOf = (jti: string) =>
  database.db.prisma.auditLog.findMany({ where: { subject: jti, action: 'token.revoke' } })

const revocation = (jti: string, minutes: number) => ({
  operatorId: operator.id,
  jti,
  expiresAt: new Date(Date.now() + minutes * 60_000),
})

async function expectRefusal(reason: string, work: () => Promise<unknown>): Promise<void> {
  const before = await authnState(database.db)
  expect(await refusalOf(work())).toBe(reason)
  expect(await authnState(database.db)).toEqual(before)
}

describe('by the token itself', () => {
  it('ends it at once, whoever holds it, with its audit', async () => {
    const claims = claimsOf(agent)
    const token = key.sign(claims)
    const { jti } = await instance.revoke({ token, reason: 'leaked' })
    expect(jti).toBe(claims.jti)
    expect(await instance.verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
    expect(await rowOf(claims.jti)).toMatchObject({ operatorId: operator.id })
    const line = { actor: 'anonymous', operatorId: operator.id, outcome: 'done', reason: 'leaked' }
    expect(await auditOf(claims.jti)).toMatchObject([line])
  })

  it('answers the first time the second time, and writes once', async () => {
    const token = key.sign(claimsOf(agent))
    const first = await instance.revoke({ token })
    const state = await authnState(database.db)
    expect(await instance.revoke({ token, reason: 'again' })).toEqual(first)
    expect(await authnState(database.db)).toEqual(state)
  })

  it('answers one time to all who revoke at once', async () => {
    const claims = claimsOf(agent)
    const token = key.sign(claims)
    const answers = await Promise.all(Array.from({ length: 8 }, () => instance.revoke({ token })))
    expect(new Set(answers.map(({ revokedAt }) => JSON.stringify(revokedAt, String))).size).toBe(1)
    expect(await auditOf(claims.jti)).toHaveLength(1)
  })

  it('of a token that no clock can take for unexpired says yes and writes nothing', async () => {
    const token = key.sign(claimsOf(agent, aged(1300)))
    const before = await authnState(database.db)
    const { revokedAt } = await instance.revoke({ token })
    expect(Math.abs(Number(revokedAt?.seconds) - nowS())).toBeLessThan(5)
    expect(await authnState(database.db)).toEqual(before)
  })

  it('is kept for a token that only the allowed skew keeps valid', async () => {
    const token = key.sign(claimsOf(agent, aged(903)))
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    await instance.revoke({ token })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it('is kept for an instance whose clock is behind by the skew, and which allows the skew once more', async () => {
    const token = key.sign(claimsOf(agent, aged(915)))
    instance.clock.offsetMs -= 9_000
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    await instance.revoke({ token })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it.each<[string, () => string]>([
    ['foreign', () => signToken('unknown', generateKeyPair().privateKey, claimsOf(agent))],
    ['forged under our key id', () => signToken(key.kid, generateKeyPair().privateKey, claimsOf(agent))],
    ['unsigned', () => key.sign(claimsOf(agent), { alg: 'none' })],
    ['without its signature', () => key.sign(claimsOf(agent)).replace(/[^.]*$/, '')],
    ["another issuer's", () => key.sign(claimsOf(agent, { iss: `${ISSUER}/other` }))],
    ['an operator assertion', () => key.sign(claimsOf(agent), { typ: 'auth4agent-operator+jwt' })],
    ['no token', () => 'token'],
  ])('is refused when it is %s', async (_, token) => {
    await expectRefusal('TOKEN_NOT_OURS', () => instance.revoke({ token: token() }))
  })

  it('is still taken from a retired key, which no longer verifies, but not from a compromised one', async () => {
    const [retired, compromised] = [
      await insertTokenKey(database.db, 'retired'),
      await insertTokenKey(database.db, 'compromised'),
    ]
    instance.clock.monotonicOffsetMs += 11_000
    const claims = claimsOf(agent)
    expect(await instance.verify(retired.sign(claims))).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
    await instance.revoke({ token: retired.sign(claims) })
    expect(await rowOf(claims.jti)).not.toBeNull()
    await expectRefusal('TOKEN_NOT_OURS', () => instance.revoke({ token: compromised.sign(claimsOf(agent)) }))
  })
})

describe('by jti', () => {
  it('ends the token of the calling operator, and no other of that jti', async () => {
    const other = await freshOperator(database.db)
    const claims = claimsOf(agent)
    await instance.revoke({ jti: claims.jti }, asOperator(other))
    expect(await instance.verify(key.sign(claims))).toMatchObject({ valid: true })
    await instance.revoke({ jti: claims.jti, reason: 'leaked' }, asOperator(operator))
    expect(await instance.verify(key.sign(claims))).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
    const actors = (await auditOf(claims.jti)).map(({ actor, operatorId }) => [actor, operatorId])
    expect(actors).toEqual([other, operator].map(({ id }) => [`operator:${id}`, id]))
  })

  it('answers the first time the second time', async () => {
    const jti = crypto.randomUUID()
    const first = await instance.revoke({ jti }, asOperator(operator))
    expect(await instance.revoke({ jti }, asOperator(operator))).toEqual(first)
    expect(await auditOf(jti)).toHaveLength(1)
  })

  it('is kept for as long as any token of that id can live', async () => {
    const jti = crypto.randomUUID()
    await instance.revoke({ jti }, asOperator(operator))
    const { expiresAt } = (await rowOf(jti)) ?? {}
    expect(expiresAt?.getTime()).toBeGreaterThan((nowS() + 3600 + 60) * 1000)
  })

  it('needs the assertion, and uses it up', async () => {
    const jti = crypto.randomUUID()
    await expectRefusal('UNAUTHENTICATED', () => instance.revoke({ jti }, anonymous()))
    await instance.revoke({ jti }, asOperator(operator, 'once'))
    await expectRefusal('ASSERTION_USED', () => instance.revoke({ jti: 'other' }, asOperator(operator, 'once')))
  })

  it.each(['with space', 'é', 'a'.repeat(65)])('is refused for %j', async (jti) => {
    await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({ jti }, asOperator(operator)))
  })
})

it('wants exactly one of token and jti, and a reason of at most 500 characters', async () => {
  const token = key.sign(claimsOf(agent))
  await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({}, asOperator(operator)))
  await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({ token, jti: 'a' }, asOperator(operator)))
  await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({ token, reason: 'a'.repeat(501) }))
  expect(await refusalOf(instance.revoke({ token, reason: 'a'.repeat(500) }))).toBeUndefined()
})

describe('the scheduled work', () => {
  it('forgets revocations of expired tokens alone', async () => {
    await database.db.prisma.revokedToken.createMany({ data: [revocation('over', -1), revocation('lasting', 1)] })
    await instance.revocation.runSchedule()
    expect(await rowOf('over')).toBeNull()
    expect(await rowOf('lasting')).not.toBeNull()
  })
})
