import { constants, createHmac, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { chainContext } from '../../../../test/support/attestation/chain-evidence.ts'
import { makeTestKey, signTestJwt, type TestKey } from '../../../../test/support/attestation/evidence-keys.ts'
import { NOW } from '../../../../test/support/attestation/make-certificate.ts'
import {
  jwtEntry,
  makeSvid,
  rootEntry,
  TRUST_DOMAIN,
  WORKLOAD,
} from '../../../../test/support/attestation/spiffe-bundles.ts'
import { SVID_ALGORITHMS } from './bundle.ts'
import { createSpiffeJwt } from './create-spiffe-jwt.ts'

const outbound = { get: () => Promise.reject(new Error('This test has a pinned bundle')) }
const type = createSpiffeJwt({ outbound, now: () => NOW })
const KEY = makeTestKey('ES256', 'key-1')
const RSA = makeTestKey('RS256', 'key-2')
const UNLISTED = makeTestKey('ES256', 'key-3')
const bundle = { keys: [jwtEntry(KEY), jwtEntry(RSA), rootEntry(makeSvid()[0]), { ...jwtEntry(UNLISTED), use: 'sig' }] }
const config = type.parseConfig({ trust_domain: TRUST_DOMAIN, bundle })
const fixed = type.parseConfig({ trust_domain: TRUST_DOMAIN, bundle, audience: 'enrolment' })

const context = chainContext()
const exp = NOW / 1_000 + 300
const CLAIMS = { sub: WORKLOAD, aud: [context.binding.audience], exp }
const appraise = (claims: object | string, header: object = {}, key: TestKey = KEY, given = config) =>
  type.appraise(given, Buffer.from(signTestJwt(key, claims, header)), context)

describe('spiffe-jwt', () => {
  it('appraises a JWT-SVID for the key of the agent', async () => {
    await expect(appraise({ ...CLAIMS, jti: 'one' })).resolves.toEqual({
      claims: { spiffe_id: WORKLOAD, trust_domain: TRUST_DOMAIN, path: '/ns/default/sa/agent' },
      level: 'bound',
      expiresAt: exp * 1_000,
      uses: [{ id: 'example.org jti:one', until: exp * 1_000 + 60_000 }],
    })
  })

  it('appraises a JWT-SVID for the fixed audience as bearer', async () => {
    await expect(appraise({ ...CLAIMS, aud: 'enrolment' }, {}, KEY, fixed)).resolves.toMatchObject({ level: 'bearer' })
  })

  it('lets a JWT-SVID without jti be used once, whatever the form of its signature', async () => {
    const text = signTestJwt(KEY, CLAIMS)
    const input = Buffer.from(text.slice(0, text.lastIndexOf('.')))
    const again = sign('sha256', input, { key: KEY.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')

    const first = await type.appraise(config, Buffer.from(text), context)
    const second = await type.appraise(config, Buffer.from(`${input.toString()}.${again}`), context)

    expect(first.uses[0]?.id).toMatch(/^jws:[\w-]{43}$/)
    expect(second.uses).toEqual(first.uses)
  })

  it.each<[string, object, object]>([
    ['iss and every other claim', { ...CLAIMS, iss: 'https://oidc.example.org', iat: exp - 600, nbf: exp - 600 }, {}],
    ['an audience that is a text', { ...CLAIMS, aud: context.binding.audience }, {}],
    ['the typ JOSE', CLAIMS, { typ: 'JOSE' }],
    ['no typ', CLAIMS, { typ: undefined }],
  ])('appraises %s', async (_name, claims, header) => {
    await expect(appraise(claims, header)).resolves.toMatchObject({ level: 'bound' })
  })

  it.each(SVID_ALGORITHMS)('appraises %s under a key without alg', async (alg) => {
    const key = makeTestKey(alg, 'k')
    const given = type.parseConfig({ trust_domain: TRUST_DOMAIN, bundle: { keys: [jwtEntry(key)] } })

    await expect(appraise(CLAIMS, {}, key, given)).resolves.toMatchObject({ level: 'bound' })
  })
})

const SUB = 'The sub must be a SPIFFE ID with a path in the trust domain example.org'
const AUD = 'The aud of the JWT-SVID must be exactly https://auth.example/attest/agent-thumbprint'
const KID = 'The kid of the JWT-SVID must be that of a jwt-svid key of the bundle'
const nowS = NOW / 1_000
const { aud: _aud, ...WITHOUT_AUD } = CLAIMS
const { exp: _exp, ...WITHOUT_EXP } = CLAIMS
const { sub: _sub, ...WITHOUT_SUB } = CLAIMS

describe('spiffe-jwt refuses', () => {
  it.each<[string, object | string, string]>([
    ['an SVID of another trust domain', { ...CLAIMS, sub: 'spiffe://example.com/a' }, SUB],
    ['the SPIFFE ID of the trust domain', { ...CLAIMS, sub: 'spiffe://example.org' }, SUB],
    ['a sub that is no SPIFFE ID', { ...CLAIMS, sub: 'agent' }, SUB],
    ['a sub with a step up', { ...CLAIMS, sub: 'spiffe://example.org/a/../b' }, SUB],
    ['no sub', WITHOUT_SUB, 'The sub of the JWT-SVID must be a text'],
    ['a sub that is a list', { ...CLAIMS, sub: [WORKLOAD] }, 'The sub of the JWT-SVID must be a text'],
    ['another audience', { ...CLAIMS, aud: ['other'] }, AUD],
    ['the audience of another agent', { ...CLAIMS, aud: [`${context.issuer}/attest/other`] }, AUD],
    ['the audience among others', { ...CLAIMS, aud: [...CLAIMS.aud, 'other'] }, AUD],
    ['an audience that begins right', { ...CLAIMS, aud: [`${CLAIMS.aud[0]}/x`] }, AUD],
    ['no audience', WITHOUT_AUD, 'The aud of the JWT-SVID must be a text, or a list'],
    ['an empty list of audiences', { ...CLAIMS, aud: [] }, 'The aud of the JWT-SVID must be a text, or a list'],
    ['an expired SVID', { ...CLAIMS, exp: nowS - 60 }, 'The JWT-SVID must not have expired'],
    ['no exp', WITHOUT_EXP, 'The exp of the JWT-SVID must be a whole number'],
    ['an exp that is a text', { ...CLAIMS, exp: `${exp}` }, 'The exp of the JWT-SVID must be a whole number'],
    ['an SVID of years', { ...CLAIMS, exp: nowS + 86_401 }, 'The JWT-SVID must expire within 24 hours'],
    ['an SVID of tomorrow', { ...CLAIMS, nbf: nowS + 61 }, 'The JWT-SVID must be valid already'],
    ['an iat in the future', { ...CLAIMS, iat: nowS + 61 }, 'The iat of the JWT-SVID must not be in the future'],
    ['a jti that is a number', { ...CLAIMS, jti: 1 }, 'The jti of the JWT-SVID must be a text'],
    ['a jti of 257 characters', { ...CLAIMS, jti: 'x'.repeat(257) }, 'The jti of the JWT-SVID must be a text'],
    [
      'a claim twice',
      `{"sub":"${WORKLOAD}","sub":"spiffe://example.org/admin"}`,
      'must not have two members of one name',
    ],
    ['a payload that is a list', '[]', 'must be a JSON object'],
  ])('%s', async (_name, claims, message) => {
    await expect(appraise(claims)).rejects.toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringContaining(message),
    })
  })

  it.each<[string, object, string]>([
    ['no kid', { kid: undefined }, 'The header of the JWT-SVID must have a kid'],
    ['an unknown kid', { kid: 'key-9' }, KID],
    ['the kid of a key of another use', { kid: 'key-3' }, KID],
    ['the kid of another key', { kid: 'key-2' }, 'The alg of the JWT-SVID must fit its key'],
    [
      'the typ of an access token',
      { typ: 'at+jwt' },
      'The header of the JWT-SVID must have the typ JWT or JOSE or none',
    ],
    ['alg none', { alg: 'none' }, 'The header of the JWT-SVID must have the alg'],
    ['an HMAC', { alg: 'HS256' }, 'The header of the JWT-SVID must have the alg'],
    ['Ed25519', { alg: 'EdDSA' }, 'The header of the JWT-SVID must have the alg'],
    ['a key in the header', { jwk: KEY.jwk }, 'must not contain a key or the address of one'],
    [
      'the address of a key in the header',
      { jku: 'https://evil.example' },
      'must not contain a key or the address of one',
    ],
    ['a critical header', { crit: ['x'], x: 1 }, 'must not have crit or b64'],
    ['an alg that does not fit the key', { alg: 'ES384' }, 'The alg of the JWT-SVID must fit its key'],
  ])('%s', async (_name, header, message) => {
    await expect(appraise(CLAIMS, header)).rejects.toMatchObject({
      name: 'RefusedEvidence',
      message: expect.stringContaining(message),
    })
  })

  it.each<[string, TestKey, string]>([
    ['a signature by another key', { ...UNLISTED, kid: 'key-1' }, 'must have a valid signature of its key'],
    ['a signature by a key of another use', UNLISTED, KID],
  ])('%s', async (_name, key, message) => {
    await expect(appraise(CLAIMS, {}, key)).rejects.toThrow(message)
  })

  it.each<[string, (input: Buffer) => Buffer]>([
    ['RSASSA-PSS under the name RS256', (input) => pss(input)],
    ['an HMAC with the public key under the name RS256', (input) => hmac(input)],
  ])('%s', async (_name, signWith) => {
    const text = signTestJwt(RSA, CLAIMS)
    const input = text.slice(0, text.lastIndexOf('.'))
    const forged = `${input}.${signWith(Buffer.from(input)).toString('base64url')}`

    await expect(type.appraise(config, Buffer.from(forged), context)).rejects.toThrow('must have a valid signature')
  })

  it('the binding audience where the configuration fixes another one', async () => {
    await expect(appraise(CLAIMS, {}, KEY, fixed)).rejects.toThrow('The aud of the JWT-SVID must be exactly enrolment')
  })

  it('a JWT-SVID of more than 16 KiB', async () => {
    await expect(appraise({ ...CLAIMS, x: 'x'.repeat(16_384) })).rejects.toThrow('must have at most 16384 bytes')
  })
})

const pss = (input: Buffer) =>
  sign('sha256', input, { key: RSA.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
const hmac = (input: Buffer) => createHmac('sha256', JSON.stringify(RSA.jwk)).update(input).digest()
const { kid: _kid, ...WITHOUT_KID } = KEY.jwk

describe('spiffe-jwt refuses a configuration', () => {
  const jwtSvid = { use: 'jwt-svid' }
  it.each<[string, readonly object[], string]>([
    ['without keys for JWT-SVIDs', [rootEntry(makeSvid()[0])], 'config.bundle must have at least one jwt-svid key'],
    ['with a key without kid', [{ ...WITHOUT_KID, ...jwtSvid }], 'config.bundle must have a kid of 1 to 128'],
    [
      'with one kid twice',
      [jwtEntry(KEY), jwtEntry(KEY)],
      'config.bundle must not have two jwt-svid keys with the kid key-1',
    ],
    ['with a private key', [{ ...jwtEntry(KEY), d: 'AA' }], 'config.bundle must have only public keys'],
    [
      'with a symmetric key',
      [{ kty: 'oct', k: 'AA', kid: 'k', ...jwtSvid }],
      'config.bundle must have only public keys',
    ],
    ['with a key of Ed25519', [jwtEntry(makeTestKey('EdDSA'))], 'config.bundle must have well-formed jwt-svid keys'],
    [
      'with a point off the curve',
      [{ ...jwtEntry(KEY), x: KEY.jwk.y }],
      'config.bundle must have well-formed jwt-svid',
    ],
    [
      'with RSA of 1024 bits',
      [jwtEntry(makeTestKey('RS256', 'k', 1_024))],
      'config.bundle must have well-formed jwt-svid',
    ],
    [
      'with an alg of another type',
      [{ ...jwtEntry(KEY), alg: 'RS256' }],
      'config.bundle must have well-formed jwt-svid',
    ],
    ['with 65 keys', Array.from({ length: 65 }, () => ({})), 'config.bundle must be a JWK Set of at most 64 keys'],
  ])('%s', (_name, keys, message) => {
    expect(() => type.parseConfig({ trust_domain: 'a', bundle: { keys } })).toThrow(
      expect.objectContaining({ reason: 'INVALID_ATTESTOR', message: expect.stringContaining(message) }),
    )
  })
})
