import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
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
  database.db.prisma.auditLog.findMany({ where: { subject: jti, action: 'token.revoke' }, orderBy: { id: 'asc' } })

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

describe('RevokeToken by token', () => {
  it('ends the token at once for an anonymous caller, and writes the audit', async () => {
    const claims = claimsOf(agent)
    const token = key.sign(claims)
    const { jti } = await instance.revoke({ token, reason: 'leaked' })
    expect(jti).toBe(claims.jti)
    expect(await instance.verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
    expect(await rowOf(claims.jti)).toMatchObject({ operatorId: operator.id })
    const line = { actor: 'anonymous', operatorId: operator.id, outcome: 'done', reason: 'leaked' }
    expect(await auditOf(claims.jti)).toMatchObject([line])
  })

  it('returns the first revocation time when the token is revoked again, and writes nothing', async () => {
    const token = key.sign(claimsOf(agent))
    const first = await instance.revoke({ token })
    const state = await authnState(database.db)
    expect(await instance.revoke({ token, reason: 'again' })).toEqual(first)
    expect(await authnState(database.db)).toEqual(state)
  })

  it('returns the same revocation time to 8 callers that revoke the token at once', async () => {
    const claims = claimsOf(agent)
    const token = key.sign(claims)
    const answers = await Promise.all(Array.from({ length: 8 }, () => instance.revoke({ token })))
    expect(new Set(answers.map(({ revokedAt }) => JSON.stringify(revokedAt, String))).size).toBe(1)
    expect(await auditOf(claims.jti)).toHaveLength(1)
  })

  it('succeeds and writes nothing for a token that every process with an allowed clock treats as expired', async () => {
    const token = key.sign(claimsOf(agent, aged(1300)))
    const before = await authnState(database.db)
    const { revokedAt } = await instance.revoke({ token })
    expect(Math.abs(Number(revokedAt?.seconds) - nowS())).toBeLessThan(5)
    expect(await authnState(database.db)).toEqual(before)
  })

  it('ends a token that is valid only within the allowed skew', async () => {
    const token = key.sign(claimsOf(agent, aged(903)))
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    await instance.revoke({ token })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it('ends a token that only a process whose clock is behind still accepts', async () => {
    const token = key.sign(claimsOf(agent, aged(915)))
    instance.clock.offsetMs -= 9_000
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    await instance.revoke({ token })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it.each<[string, () => string]>([
    ['a token of an unknown key', () => signToken('unknown', generateKeyPair().privateKey, claimsOf(agent))],
    ['a token forged under our kid', () => signToken(key.kid, generateKeyPair().privateKey, claimsOf(agent))],
    ['a token with alg "none"', () => key.sign(claimsOf(agent), { alg: 'none' })],
    ['a token without its signature', () => key.sign(claimsOf(agent)).replace(/[^.]*$/, '')],
    ['a token of another issuer', () => key.sign(claimsOf(agent, { iss: `${ISSUER}/other` }))],
    ['an operator assertion', () => key.sign(claimsOf(agent), { typ: 'auth4agent-operator+jwt' })],
    ['a text that is no JWT', () => 'token'],
  ])('refuses %s', async (_, token) => {
    await expectRefusal('TOKEN_NOT_OURS', () => instance.revoke({ token: token() }))
  })

  it('accepts a token of a retired signing key and refuses one of a compromised signing key', async () => {
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

describe('RevokeToken by jti', () => {
  it("ends the calling operator's token, and not another operator's token with the same jti", async () => {
    const other = await freshOperator(database.db)
    const claims = claimsOf(agent)
    await instance.revoke({ jti: claims.jti }, asOperator(other))
    expect(await instance.verify(key.sign(claims))).toMatchObject({ valid: true })
    await instance.revoke({ jti: claims.jti, reason: 'leaked' }, asOperator(operator))
    expect(await instance.verify(key.sign(claims))).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
    const actors = (await auditOf(claims.jti)).map(({ actor, operatorId }) => [actor, operatorId])
    expect(actors).toEqual([other, operator].map(({ id }) => [`operator:${id}`, id]))
  })

  it('returns the first revocation time when the jti is revoked again', async () => {
    const jti = crypto.randomUUID()
    const first = await instance.revoke({ jti }, asOperator(operator))
    expect(await instance.revoke({ jti }, asOperator(operator))).toEqual(first)
    expect(await auditOf(jti)).toHaveLength(1)
  })

  it('keeps the revocation for longer than any token can live', async () => {
    const jti = crypto.randomUUID()
    await instance.revoke({ jti }, asOperator(operator))
    const { expiresAt } = (await rowOf(jti)) ?? {}
    expect(expiresAt?.getTime()).toBeGreaterThan((nowS() + 3600 + 60) * 1000)
  })

  it('refuses a call without an assertion, or with a used one', async () => {
    const jti = crypto.randomUUID()
    await expectRefusal('UNAUTHENTICATED', () => instance.revoke({ jti }, anonymous()))
    await instance.revoke({ jti }, asOperator(operator, 'once'))
    await expectRefusal('ASSERTION_USED', () => instance.revoke({ jti: 'other' }, asOperator(operator, 'once')))
  })

  it.each(['with space', 'é', 'a'.repeat(65)])('refuses the malformed jti %j', async (jti) => {
    await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({ jti }, asOperator(operator)))
  })
})

it('RevokeToken refuses both or neither of token and jti, and a reason of more than 500 characters', async () => {
  const token = key.sign(claimsOf(agent))
  await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({}, asOperator(operator)))
  await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({ token, jti: 'a' }, asOperator(operator)))
  await expectRefusal('INVALID_ARGUMENT', () => instance.revoke({ token, reason: 'a'.repeat(501) }))
  expect(await refusalOf(instance.revoke({ token, reason: 'a'.repeat(500) }))).toBeUndefined()
})

describe('runSchedule', () => {
  it('deletes only the revocations of expired tokens', async () => {
    await database.db.prisma.revokedToken.createMany({ data: [revocation('over', -1), revocation('lasting', 1)] })
    await instance.revocation.runSchedule()
    expect(await rowOf('over')).toBeNull()
    expect(await rowOf('lasting')).not.toBeNull()
  })
})
