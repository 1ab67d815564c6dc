import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { asOperator, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { claimsOf, insertTokenKey, signToken } from '../../test/support/tokens.ts'
import { endTrust, newTrust } from '../../test/support/trust-records.ts'
import { openDb } from '../platform/db/db.ts'
import { toApiError } from '../platform/errors/api-error.ts'

let database: TestDatabase
let instance: TestInstance
let operator: TestOperator
let agent: TestAgent
let key: Awaited<ReturnType<typeof insertTokenKey>>

beforeAll(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  key = await insertTokenKey(database.db, 'retiring')
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})
afterAll(() => database.drop())

const nowS = () => Math.floor(Date.now() / 1000)
const aged = (seconds: number) => {
  const iat = nowS() - seconds
  return { iat, nbf: iat, exp: iat + 900 }
}
const altered = (token: string) => token.replace(/.(?=.$)/, (last) => (last === 'A' ? 'B' : 'A'))

it('verifyToken returns the claims of a valid token, and writes nothing', async () => {
  const claims = claimsOf(agent)
  const before = await authnState(database.db)
  const answer = await instance.verify(key.sign(claims))
  expect(answer).toMatchObject({
    valid: true,
    claims: { iss: ISSUER, sub: agent.did, exp: BigInt(claims.exp), epoch: [1, 1], operatorId: operator.id },
  })
  expect(answer.reason).toBeUndefined()
  expect(await authnState(database.db)).toEqual(before)
})

describe('verifyToken', () => {
  const cases: [string, () => string][] = [
    ['MALFORMED_TOKEN', () => ''],
    ['MALFORMED_TOKEN', () => 'a.b.c'],
    ['MALFORMED_TOKEN', () => `${key.sign(claimsOf(agent))} `],
    ['MALFORMED_TOKEN', () => `${key.sign(claimsOf(agent))}=`],
    ['MALFORMED_TOKEN', () => key.sign(claimsOf(agent), { typ: 'JWT' })],
    ['MALFORMED_TOKEN', () => key.sign(claimsOf(agent), { crit: ['exp'] })],
    ['MALFORMED_TOKEN', () => key.sign({ ...claimsOf(agent), aud: ISSUER })],
    ['MALFORMED_TOKEN', () => key.sign({ ...claimsOf(agent), exp: nowS() + 7200 })],
    ['MALFORMED_TOKEN', () => key.sign({ ...claimsOf(agent), client_id: 'other' })],
    ['MALFORMED_TOKEN', () => 'a'.repeat(20_000)],
    ['UNSUPPORTED_ALGORITHM', () => key.sign(claimsOf(agent), { alg: 'none' })],
    ['UNSUPPORTED_ALGORITHM', () => key.sign(claimsOf(agent), { alg: 'HS256' })],
    ['UNSUPPORTED_ALGORITHM', () => key.sign(claimsOf(agent), { alg: 'Ed25519' })],
    ['UNKNOWN_KEY', () => signToken('unknown', generateKeyPair().privateKey, claimsOf(agent))],
    ['SIGNATURE_INVALID', () => signToken(key.kid, generateKeyPair().privateKey, claimsOf(agent))],
    ['SIGNATURE_INVALID', () => altered(key.sign(claimsOf(agent)))],
    ['WRONG_ISSUER', () => key.sign(claimsOf(agent, { iss: `${ISSUER}/` }))],
    ['TOKEN_EXPIRED', () => key.sign(claimsOf(agent, aged(911)))],
    ['TOKEN_NOT_YET_VALID', () => key.sign(claimsOf(agent, aged(-30)))],
  ]
  it.each(cases)('answers %s without claims for an invalid token', async (reason, token) => {
    const answer = await instance.verify(token())
    expect(answer).toMatchObject({ valid: false, revoked: false, reason })
    expect(answer.claims).toBeUndefined()
  })

  it.each<[string, object]>([
    ['AGENT_TOKENS_ENDED', { epoch: [0x7fff, 1], sub: `did:agent:acme.example:${'0'.repeat(32)}` }],
    ['OPERATOR_TOKENS_ENDED', { operator_id: crypto.randomUUID() }],
  ])('answers %s when the agent or operator of the token no longer exists', async (reason, claims) => {
    const merged = { ...claimsOf(agent), ...claims }
    const token = key.sign({ ...merged, client_id: merged.sub })
    expect(await instance.verify(token)).toMatchObject({ valid: false, revoked: true, reason })
  })
})

it('verifyToken accepts tokens within the clock skew after expiry and before nbf', async () => {
  expect(await instance.verify(key.sign(claimsOf(agent, aged(905))))).toMatchObject({ valid: true })
  expect(await instance.verify(key.sign(claimsOf(agent, aged(-5))))).toMatchObject({ valid: true })
})

describe('verifyToken', () => {
  it.each<[string, (fresh: TestAgent, own: TestOperator, jti: string) => Promise<unknown>]>([
    ['TOKEN_REVOKED', (_, own, jti) => instance.revoke({ jti }, asOperator(own))],
    [
      'AGENT_TOKENS_ENDED',
      ({ id }) => database.db.prisma.agent.update({ where: { id }, data: { epoch: { increment: 1 } } }),
    ],
    [
      'OPERATOR_TOKENS_ENDED',
      (_, { id }) => database.db.prisma.operator.update({ where: { id }, data: { epoch: { increment: 1 } } }),
    ],
  ])('answers %s and revoked=true without claims for a token that was ended', async (reason, end) => {
    const own = await freshOperator(database.db)
    const fresh = await insertAgent(database.db, own)
    const claims = claimsOf(fresh)
    const token = key.sign(claims)
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    await end(fresh, own, claims.jti)
    const answer = await instance.verify(token)
    expect(answer).toMatchObject({ valid: false, revoked: true, reason })
    expect(answer.claims).toBeUndefined()
    if (reason !== 'TOKEN_REVOKED')
      expect(await instance.verify(await instance.issue(fresh))).toMatchObject({ valid: true })
  })
})

describe('verifyToken of a token that was issued through trust', () => {
  it('answers TRUST_ENDED and revoked=true after a record about one of its edges', async () => {
    const trust = newTrust()
    const token = key.sign({ ...claimsOf(agent), ...trust.claims })
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    await endTrust(database.db.pool, 'edge', trust)
    expect(await instance.verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'TRUST_ENDED' })
    expect(await instance.verify(key.sign(claimsOf(agent)))).toMatchObject({ valid: true })
  })

  const { home } = newTrust().chained
  const mayAct = { cnf: { jkt: 'A'.repeat(43) }, may_act: { sub: 'did:agent:example.com:x' } }
  it.each([{ edges: [] }, { edges: 'x' }, { home: { ...home, sub: 'x' } }, { home, ...mayAct }])(
    'refuses %j',
    async (claims) => {
      const token = key.sign({ ...claimsOf(agent), ...claims })
      expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'MALFORMED_TOKEN' })
    },
  )
})

describe('verifyToken with requirements', () => {
  it.each<[string, object, boolean]>([
    ['its audience', { audience: ['x.example', ISSUER] }, true],
    ['another audience', { audience: ['x.example'] }, false],
    ['its scope', { scope: 'read' }, true],
    ['another scope', { scope: 'read admin' }, false],
    ['another operator', { operators: ['other.example'] }, false],
  ])('compares %s: %j gives valid=%s', async (_, wanted, valid) => {
    expect(await instance.verify(key.sign(claimsOf(agent)), wanted)).toMatchObject({ valid })
  })

  it('accepts the operator by id and by domain', async () => {
    const token = key.sign(claimsOf(agent))
    expect(await instance.verify(token, { operators: [operator.id] })).toMatchObject({ valid: true })
    expect(await instance.verify(token, { operators: [operator.domain] })).toMatchObject({ valid: true })
  })

  it.each<[string, object]>([
    ['INVALID_SCOPE', { scope: 'a  b' }],
    ['INVALID_SCOPE', { scope: '' }],
    ['INVALID_AUDIENCE', { audience: [''] }],
    ['INVALID_ARGUMENT', { operators: [''] }],
    ['INVALID_ARGUMENT', { operators: Array.from({ length: 65 }, String) }],
    ['INVALID_ARGUMENT', { audience: Array.from({ length: 65 }, String) }],
  ])('answers %s for the malformed requirements %j', async (reason, wanted) => {
    expect(await refusalOf(instance.verify(key.sign(claimsOf(agent)), wanted))).toBe(reason)
  })
})

it.each(['retired', 'compromised'] as const)('verifyToken and the JWKS leave out a %s key', async (state) => {
  const old = await insertTokenKey(database.db, state)
  instance.clock.monotonicOffsetMs += 11_000
  expect(await instance.verify(old.sign(claimsOf(agent)))).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
  const { keys = [] } = await instance.jwks()
  expect(keys.map(({ kid }) => kid)).not.toContain(old.kid)
  expect(keys.map(({ kid }) => kid)).toContain(key.kid)
})

it.each(['retired', 'compromised'] as const)(
  'verifyToken and the JWKS leave out a key as soon as it is %s, although it is cached in its earlier state',
  async (state) => {
    const old = await insertTokenKey(database.db, 'retiring')
    instance.clock.monotonicOffsetMs += 11_000
    const token = old.sign(claimsOf(agent))
    const kids = async () => ((await instance.jwks()).keys ?? []).map(({ kid }) => kid)
    expect(await instance.verify(token)).toMatchObject({ valid: true })
    expect(await kids()).toContain(old.kid)
    await database.db.prisma.jwksKey.update({ where: { kid: old.kid }, data: { state } })
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
    expect(await kids()).not.toContain(old.kid)
  },
)

describe('verifyToken', () => {
  it('answers UNAVAILABLE when the database is unreachable', async () => {
    const statusDb = openDb({ url: 'postgresql://nobody@127.0.0.1:1/none', poolSize: 1, log: silentLog })
    const { verify } = await startInstance(database.db, { statusDb })
    const failure = await verify(key.sign(claimsOf(agent))).catch((error: unknown) => toApiError(error).reason)
    expect(failure).toBe('UNAVAILABLE')
    await statusDb.close()
  })

  it('answers UNAVAILABLE while the server stops', async () => {
    const statusDb = openDb({ url: database.url, poolSize: 1, log: silentLog })
    const { verify } = await startInstance(database.db, { statusDb })
    await statusDb.close()
    const failure = await verify(key.sign(claimsOf(agent))).catch((error: unknown) => toApiError(error).reason)
    expect(failure).toBe('UNAVAILABLE')
  })
})
