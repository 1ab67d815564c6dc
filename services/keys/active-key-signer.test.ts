import { generateKeyPair, seedToPem } from '@auth4agent/core/keys/ed25519'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { asAdmin } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { headerOf } from '../../test/support/signing-keys.ts'
import { testTokenKey } from '../../test/support/token-keys.ts'
import { claimsOf, insertTokenKey } from '../../test/support/tokens.ts'
import { createActiveKeySigner } from './active-key-signer.ts'
import { GRANT, INTROSPECTION } from './domain/key-kinds.ts'

const CLAIMS = { iss: ISSUER, aud: 'did:agent:a.example:1', iat: 1_700_000_000, token_introspection: { active: false } }

let database: TestDatabase
let one: TestInstance
let other: TestInstance

/** Starts two instances. Each kind of key has an active key and two ready keys. */
beforeEach(async () => {
  database = await testDatabase()
  await (await startInstance(database.db)).runJobs()
  await database.db.prisma.$executeRaw`UPDATE jwks_keys SET created_at = created_at - interval '1 hour'`
  one = await startInstance(database.db)
  other = await startInstance(database.db)
})
afterEach(() => database.drop())

const sign = ({ keys }: TestInstance) => keys.introspectionSigner.sign(CLAIMS)
const signedBy = async (instance: TestInstance) => headerOf(await sign(instance)).kid
const activeKid = async () => {
  const where = { purpose: 'introspection', state: 'active' } as const
  return (await database.db.prisma.jwksKey.findFirst({ where }))?.kid
}
const compromise = (kid: string, force: boolean) =>
  one.keys.module.handlers.markKeyCompromised(
    { $typeName: 'auth4agent.v1.MarkKeyCompromisedRequest', kid, reason: '', force },
    asAdmin(),
  )
const rotate = (kid = '') =>
  one.keys.module.handlers.rotateSigningKeys(
    { $typeName: 'auth4agent.v1.RotateSigningKeysRequest', alg: '', kid, reason: '' },
    asAdmin(),
  )

it('sign makes a JWT that jose verifies with the published keys', async () => {
  const { keys = [] } = await one.jwks()
  const found = createLocalJWKSet({ keys: keys.map((key) => Object.assign({ kty: '' }, key)) })
  const { payload, protectedHeader } = await jwtVerify(await sign(one), found, {
    typ: 'token-introspection+jwt',
    issuer: ISSUER,
    audience: CLAIMS.aud,
    algorithms: ['EdDSA'],
  })
  expect(payload).toEqual(CLAIMS)
  expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'token-introspection+jwt', kid: await activeKid() })
})

it('the JWKS has the introspection keys after all keys that sign tokens, and then the keys that sign grants', async () => {
  const purposes = new Map((await database.db.prisma.jwksKey.findMany()).map(({ kid, purpose }) => [kid, purpose]))
  const { keys = [] } = await one.jwks()
  const found = keys.map(({ kid = '' }) => purposes.get(kid))
  expect(found).toEqual([
    ...Array(12).fill('access_token'),
    ...Array(3).fill('introspection'),
    ...Array(3).fill('grant'),
  ])
})

it.each([
  ['federation', 'ES256'],
  ['security_event', 'RS256'],
] as const)('the JWKS has no keys with the purpose %s', async (purpose, alg) => {
  const rows = await database.db.prisma.jwksKey.findMany({ where: { purpose } })
  const published = (await one.jwks()).keys?.map(({ kid }) => kid)
  expect(rows.map((row) => `${row.alg} ${row.state}`).toSorted()).toEqual([
    `${alg} active`,
    `${alg} prepared`,
    `${alg} prepared`,
  ])
  expect(rows.filter(({ kid }) => published?.includes(kid))).toEqual([])
})

it.each([
  ['statements', 'entity-statement+jwt'],
  ['resolveResponses', 'resolve-response+jwt'],
  ['keySets', 'jwk-set+jwt'],
] as const)('federationSigners.%s signs with the active federation key and the typ %s', async (name, typ) => {
  const where = { purpose: 'federation', state: 'active' } as const
  const { kid, publicJwk } = await database.db.prisma.jwksKey.findFirstOrThrow({ where })
  const found = createLocalJWKSet({ keys: [{ kty: 'EC', ...Object(publicJwk), kid }] })
  const { protectedHeader } = await jwtVerify(await one.keys.federationSigners[name].sign({ iss: ISSUER }), found)
  expect(protectedHeader).toEqual({ alg: 'ES256', typ, kid })
})

it.each(TOKEN_ALGORITHMS)('signalSigners.statusList.%s signs with the active key of the tokens', async (alg) => {
  const where = { purpose: 'access_token', alg, state: 'active' } as const
  const { kid } = await database.db.prisma.jwksKey.findFirstOrThrow({ where })
  const { keys = [] } = await one.jwks()
  const found = createLocalJWKSet({ keys: keys.map((key) => Object.assign({ kty: '' }, key)) })
  const { protectedHeader } = await jwtVerify(await one.keys.signalSigners.statusList[alg].sign({ iss: ISSUER }), found)
  expect(protectedHeader).toEqual({ alg, typ: 'statuslist+jwt', kid })
})

it('signalSigners.securityEvent signs with one of the securityEventKeys', async () => {
  const active = (await one.keys.securityEventKeys()).find(({ state }) => state === 'active')
  const found = createLocalJWKSet({ keys: [{ kty: 'RSA', ...Object(active?.jwk), kid: active?.kid ?? '' }] })
  const { protectedHeader } = await jwtVerify(await one.keys.signalSigners.securityEvent.sign({ iss: ISSUER }), found)
  expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'secevent+jwt', kid: active?.kid })
})

it.each([
  ['federation', 'ES256'],
  ['security_event', 'RS256'],
] as const)('verifyToken refuses an access token that a key with the purpose %s has signed', async (purpose, alg) => {
  const key = await insertTokenKey(database.db, 'retiring', alg, purpose)
  const token = key.sign(claimsOf(await insertAgent(database.db, await freshOperator(database.db))))
  expect(await (await startInstance(database.db)).verify(token)).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
})

it.each([
  ['introspection', 'EdDSA'],
  ['grant', 'Ed25519'],
] as const)(
  'verifyToken and revokeToken refuse an access token that a key with the purpose %s has signed',
  async (purpose, alg) => {
    const key = await insertTokenKey(database.db, 'retiring', alg, purpose)
    const agent = await insertAgent(database.db, await freshOperator(database.db))
    const token = key.sign(claimsOf(agent))
    const third = await startInstance(database.db)
    expect((await third.jwks()).keys?.map(({ kid }) => kid)).toContain(key.kid)
    expect(await third.verify(token)).toMatchObject({ valid: false, reason: 'UNKNOWN_KEY' })
    expect(await refusalOf(Promise.resolve(third.revoke({ token })))).toBe('TOKEN_NOT_OURS')
  },
)

it('no instance signs with a key after the call that marked it as compromised has returned', async () => {
  const kid = (await activeKid()) ?? ''
  for (const instance of [one, other]) expect(await signedBy(instance)).toBe(kid)
  const { activeKid: successor } = await compromise(kid, false)
  for (const instance of [one, other]) expect(await signedBy(instance)).toBe(successor)
})

it('sign throws UNAVAILABLE while no key is active, and signs when one becomes active', async () => {
  const kid = (await activeKid()) ?? ''
  await database.db.prisma.jwksKey.deleteMany({ where: { purpose: 'introspection', state: 'prepared' } })
  await compromise(kid, true)
  await one.keys.close()
  await expect(sign(other)).rejects.toMatchObject({
    reason: 'UNAVAILABLE',
    message: expect.stringMatching(/^No key that signs introspection answers is active yet/),
    retryAfter: 10,
  })
  const where = { purpose: 'introspection', state: 'prepared' } as const
  const { kid: next } = await database.db.prisma.jwksKey.findFirstOrThrow({ where })
  await database.db.prisma.jwksKey.update({ where: { kid: next }, data: { state: 'active' } })
  expect(await signedBy(other)).toBe(next)
})

it('a statement about a holder is signed by the active grant key, and an introspection answer never is', async () => {
  const { prisma } = database.db
  const { kid } = await prisma.jwksKey.findFirstOrThrow({ where: { ...GRANT, state: 'active' } })
  const statement = await one.keys.statementSigner.sign({ sub: CLAIMS.aud })
  expect(headerOf(statement)).toEqual({ alg: 'Ed25519', typ: 'auth4agent-holder+jwt', kid })
  expect(headerOf(await one.keys.grantSigner.sign(kid, {}))).toEqual({ alg: 'Ed25519', typ: 'aat+jwt', kid })
  expect(await refusalOf(one.keys.grantSigner.sign((await activeKid()) ?? '', {}))).toBe('UNAVAILABLE')
  const { activeKid: successor } = await compromise(kid, false)
  for (const instance of [one, other])
    expect(headerOf(await instance.keys.statementSigner.sign({})).kid).toBe(successor)
})

it('an imported introspection key signs after the administrator rotates to its kid', async () => {
  const request = { $typeName: 'auth4agent.v1.ImportSigningKeyRequest', alg: '', reason: '' } as const
  const { importSigningKey } = one.keys.module.handlers
  const key = seedToPem(generateKeyPair().seed)
  const imported = (await importSigningKey({ ...request, key, purpose: 'introspection' }, asAdmin())).key
  expect(imported).toMatchObject({ purpose: 'introspection', alg: 'EdDSA', state: 'prepared', heldBy: 'database' })
  const kid = imported?.kid ?? ''
  await database.db.prisma.$executeRaw`UPDATE jwks_keys SET created_at = created_at - interval '1 hour'`
  one = await startInstance(database.db)
  await rotate(kid)
  expect(await signedBy(one)).toBe(kid)
})

it('each instance signs with the new key ten seconds after a rotation at the latest', async () => {
  const old = await activeKid()
  expect(await signedBy(other)).toBe(old)
  await rotate()
  other.clock.monotonicOffsetMs += 10_001
  expect(await signedBy(other)).toBe(await activeKid())
  expect(await activeKid()).not.toBe(old)
})

it('sign reads the keys again only when the key that it remembers has ended', async () => {
  const key = testTokenKey('EdDSA')
  const active = { ...INTROSPECTION, ...key, state: 'active', verify: () => false } as const
  const listNow = vi.fn(async () => [{ ...active, kid: 'next' }])
  const ended = new Set<string>()
  const made = createActiveKeySigner({
    kind: INTROSPECTION,
    noKey: 'No key is active yet',
    signer: { sign: async (kid) => kid },
    verificationKeys: { list: async () => [active], listNow },
    tokenStatus: { endedKeys: async (kids) => new Set(kids.filter((kid) => ended.has(kid))) },
  })
  expect(await made.sign(CLAIMS)).toBe(key.kid)
  expect(listNow).not.toHaveBeenCalled()
  ended.add(key.kid)
  expect(await made.sign(CLAIMS)).toBe('next')
  ended.add('next')
  expect(await refusalOf(made.sign(CLAIMS))).toBe('UNAVAILABLE')
})
