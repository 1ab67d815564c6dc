import { randomUUID } from 'node:crypto'
import { type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { asAdmin } from '../../test/support/identity.ts'
import { createDocuments, type FederationDocuments } from './documents.ts'
import { readEntityKeys } from './domain/entity-keys.ts'
import { parseEntityStatement } from './domain/entity-statement.ts'
import { readSignedKeySet } from './domain/signed-key-set.ts'
import { verifyChain } from './domain/verify-chain.ts'

const AUTHORITY = `${ISSUER}/federation`
const METADATA = { issuer: ISSUER, token_endpoint: `${ISSUER}/oauth/token` }

let database: TestDatabase
let instance: TestInstance
let documents: FederationDocuments
let nowMs: number

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.db.prisma.jwksKey.deleteMany()
  await (await startInstance(database.db)).runJobs()
  // The keys in reserve become ready.
  await database.db.prisma.$executeRaw`UPDATE jwks_keys SET created_at = created_at - interval '1 hour'`
  instance = await startInstance(database.db)
  nowMs = Date.now()
  documents = createDocuments({
    issuer: ISSUER,
    now: () => nowMs,
    ...instance.keys,
    authorizationServer: METADATA,
    superiors: ['https://edu.example'],
  })
})

function payloadOf(jwt: string): JsonObject {
  const json = parseStrictJson(Buffer.from(jwt.split('.')[1] ?? '', 'base64url'))
  if (!json.ok) throw new Error('The payload must be JSON')
  return json.value
}

const types = async (...wanted: readonly string[]) =>
  Object.keys(Object(payloadOf(await documents.resolveResponse(wanted))['metadata']))
const keysOf = async () => payloadOf(await documents.authorityConfiguration())['jwks']

describe('the documents of this deployment', () => {
  it('make a chain that the engine verifies under the keys of the authority', async () => {
    const texts = [
      await documents.issuerConfiguration(),
      await documents.subordinateStatement(),
      await documents.authorityConfiguration(),
    ]
    const statements = texts.flatMap((text) => {
      const parsed = parseEntityStatement(text)
      return parsed.ok ? [parsed.statement] : []
    })
    const keys = readEntityKeys(await keysOf()) ?? new Map()
    const result = verifyChain(statements, { entityId: AUTHORITY, keys }, nowMs / 1_000)
    expect(result).toMatchObject({ ok: true, chain: { subject: ISSUER, path: [ISSUER, AUTHORITY], unpinned: [] } })
  })

  it('name the authority and the superiors of the administrator, and only public keys', async () => {
    const claims = payloadOf(await documents.issuerConfiguration())
    expect(claims['authority_hints']).toEqual([AUTHORITY, 'https://edu.example'])
    expect(payloadOf(await documents.authorityConfiguration())).not.toHaveProperty('authority_hints')
    const members = Object(claims['jwks']).keys.map((key: object) => Object.keys(key).join(' '))
    expect(members).toEqual(Array(3).fill('kid alg use kty crv x y'))
  })

  it('resolve the issuer with its chain, which jose verifies, until the chain expires', async () => {
    const response = await documents.resolveResponse([])
    const jwks = await keysOf()
    const found = createLocalJWKSet({ keys: Object(jwks).keys })
    const options = { issuer: AUTHORITY, subject: ISSUER, typ: 'resolve-response+jwt', currentDate: new Date(nowMs) }
    const { payload } = await jwtVerify(response, found, options)
    const chain = [
      await documents.issuerConfiguration(),
      await documents.subordinateStatement(),
      await documents.authorityConfiguration(),
    ]
    expect(payload).toMatchObject({ metadata: { oauth_authorization_server: METADATA }, trust_chain: chain })
    expect(payload.exp).toBe(Math.min(...chain.map((text) => Number(payloadOf(text)['exp']))))
  })

  it('sign the keys of tokens for those who have the federation keys of the issuer', async () => {
    const text = await documents.signedKeySet()
    const keys = readEntityKeys(await keysOf()) ?? new Map()
    const read = readSignedKeySet(text, ISSUER, keys, Math.floor(nowMs / 1_000))
    if (!read.ok) throw new Error(read.text)
    const published = await instance.keys.federationKeys.jwks()
    expect(Object(read.set.jwks).keys).toEqual(
      published.map(({ kid, alg, jwk }) => Object.assign({ kid, alg, use: 'sig' }, jwk)),
    )
    expect(published.map(({ purpose }) => purpose)).not.toContain('federation')
  })

  it('resolve only the entity types that are asked for', async () => {
    expect(await types('openid_provider')).toEqual([])
    expect(await types('openid_provider', 'oauth_authorization_server')).toEqual(['oauth_authorization_server'])
  })

  it('resolve another entity in at most four ways, whatever strangers ask for', async () => {
    const names = ['oauth_authorization_server', 'federation_entity', 'a', 'b', 'c']
    const metadata = new Map(names.map((name) => [name, { of: name }]))
    const chain = { subject: 'https://as.example', metadata } as const
    const resolved = { id: randomUUID(), chain, statements: ['x'], expiresAt: nowMs + 60_000 }
    const asked = Array.from({ length: 32 }, (_, set) =>
      names.filter((_name, at) => Math.floor(set / 2 ** at) % 2 === 1),
    )
    const texts = new Set(await Promise.all(asked.map((set) => documents.resolvedResponse(resolved, set))))
    const shown = [...texts].map((text) => Object.keys(Object(payloadOf(text)['metadata'])).join(' '))
    const both = 'oauth_authorization_server federation_entity'
    expect(shown.toSorted()).toEqual(['', 'federation_entity', 'oauth_authorization_server', both])
  })

  it('show retired and compromised keys as historical keys, and sign with no key that was marked', async () => {
    const { kid = '' } = decodeProtectedHeader(await documents.authorityConfiguration())
    await instance.keys.module.handlers.markKeyCompromised(
      { $typeName: 'auth4agent.v1.MarkKeyCompromisedRequest', kid, reason: '', force: false },
      asAdmin(),
    )
    const text = await documents.historicalKeys()
    const row = await database.db.prisma.jwksKey.findUniqueOrThrow({ where: { kid } })
    const endedAt = Math.floor(Number(row.compromisedAt) / 1_000)
    const times = { iat: Math.floor(row.createdAt.getTime() / 1_000), exp: endedAt }
    const revoked = { revoked_at: endedAt, reason: 'compromised' }
    expect(payloadOf(text)).toEqual({
      iss: AUTHORITY,
      iat: Math.floor(nowMs / 1_000),
      keys: [{ kid, alg: 'ES256', use: 'sig', ...Object(row.publicJwk), ...times, revoked }],
    })
    expect(decodeProtectedHeader(text)).toMatchObject({ typ: 'jwk-set+jwt', kid: expect.not.stringMatching(kid) })
    for (const statement of [await documents.issuerConfiguration(), await documents.authorityConfiguration()]) {
      expect(decodeProtectedHeader(statement).kid).not.toBe(kid)
      expect(JSON.stringify(payloadOf(statement)['jwks'])).not.toContain(kid)
    }
  })
})
