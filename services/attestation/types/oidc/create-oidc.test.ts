import { createHmac, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  AUDIENCE,
  CLAIMS,
  CONTEXT,
  ISSUER,
  idToken,
  issuerKey,
  NOW,
  rawIdToken,
} from '../../../../test/support/id-tokens.ts'
import type { AppraisalContext } from '../attestor-type.ts'
import { createOidcTypes } from './create-oidc.ts'

const noOutbound = { get: () => Promise.reject(new Error('Pinned keys must not be fetched')) }
const { oidc } = createOidcTypes({ outbound: noOutbound, now: () => 0 })
const [rsa, ec, ed25519] = await Promise.all([issuerKey('RS256'), issuerKey('ES256'), issuerKey('EdDSA')])
const stranger = await issuerKey('RS256')
const CONFIG = { issuer: ISSUER, jwks: { keys: [rsa.jwk, ec.jwk] } }
const NOW_S = NOW / 1000

/** Appraises evidence with pinned keys. */
function appraise(evidence: Uint8Array, config: object = {}, context: Partial<AppraisalContext> = {}) {
  return oidc.appraise(oidc.parseConfig({ ...CONFIG, ...config }), evidence, { ...CONTEXT, ...context })
}
const useOf = async (evidence: Uint8Array) => (await appraise(evidence)).uses
const claims = (change: object) => idToken(rsa, { ...CLAIMS, ...change })
const refusal = (message: RegExp) => ({ name: 'RefusedEvidence', message: expect.stringMatching(message) })

describe('a good token', () => {
  it.each([rsa, ec])('of the alg $alg counts, is bound, and can be used once', async (key) => {
    expect(await appraise(await idToken(key))).toEqual({
      claims: { sub: 'workload-1' },
      level: 'bound',
      expiresAt: CLAIMS.exp * 1000,
      uses: [{ id: 'https://issuer.example jti:token-1', until: CLAIMS.exp * 1000 + CONTEXT.skewMs }],
    })
  })

  it('with the configured audience is a bearer token', async () => {
    const evidence = await claims({ aud: 'https://vault.example' })
    expect(await appraise(evidence, { audience: 'https://vault.example' })).toMatchObject({ level: 'bearer' })
  })

  it.each([
    ['its audience in a list', { aud: [AUDIENCE] }],
    ['neither iat nor nbf', { iat: undefined, nbf: undefined }],
    ['exactly the greatest age', { iat: NOW_S - 3610 }],
    ['an exp within the skew', { exp: NOW_S - 9 }],
    ['an nbf and an iat within the skew', { iat: NOW_S + 10, nbf: NOW_S + 10 }],
    ['a lifetime of 25 hours', { exp: CLAIMS.iat + 90_000 }],
  ])('may have %s', async (_, change) => {
    expect(await appraise(await claims(change))).toMatchObject({ level: 'bound' })
  })

  it.each([
    ['no typ', { typ: undefined }],
    ['an x5t, as tokens of GitHub and Azure have', { x5t: 'AA' }],
  ])('may have a header with %s', async (_, header) => {
    expect(await appraise(await idToken(rsa, CLAIMS, header))).toMatchObject({ level: 'bound' })
  })

  it('may have no kid if its issuer has one key', async () => {
    const evidence = await idToken(rsa, CLAIMS, { kid: undefined })
    expect(await appraise(evidence, { jwks: { keys: [rsa.jwk] } })).toMatchObject({ level: 'bound' })
  })

  it('exposes the configured claims, and meets required ones', async () => {
    const evidence = await claims({ repository: 'acme/app', nested: { on: true } })
    const config = {
      claims: { repo: '/repository', on: '/nested/on' },
      required_claims: { repo: 'acme/app', on: true },
    }
    expect((await appraise(evidence, config)).claims).toEqual({ sub: 'workload-1', repo: 'acme/app', on: true })
  })
})

describe('the id of a single use', () => {
  it('stays the same if the signature is re-encoded', async () => {
    for (const change of [{}, { jti: undefined }]) {
      const evidence = await idToken(ec, { ...CLAIMS, ...change })
      const [header, payload, signature = ''] = Buffer.from(evidence).toString().split('.')
      const bytes = Buffer.from(signature, 'base64url')
      const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
      const s = (order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
      const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s, 'hex')]).toString('base64url')
      expect(other).not.toBe(signature)
      expect(await useOf(Buffer.from(`${header}.${payload}.${other}`))).toEqual(await useOf(evidence))
    }
  })

  it('is a digest of the signed bytes for a token without a jti', async () => {
    const [one, other] = [await claims({ jti: undefined }), await claims({ jti: undefined, exp: CLAIMS.exp + 1 })]
    const [[first], [second]] = [await useOf(one), await useOf(other)]
    expect(first?.id).toMatch(/^sha256:[\w-]{43}$/)
    expect(second?.id).not.toBe(first?.id)
  })

  it('is the same for two tokens with one jti, and another for a jti that looks like a digest', async () => {
    expect((await useOf(await claims({ exp: CLAIMS.exp + 1 })))[0]?.id).toBe('https://issuer.example jti:token-1')
    expect((await useOf(await claims({ jti: 'sha256:AA' })))[0]?.id).toBe('https://issuer.example jti:sha256:AA')
  })
})

describe('a token is refused', () => {
  const publicKey = Buffer.from(String(rsa.jwk.n))
  const hmac = (header: object) => {
    const input = [header, CLAIMS].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return Buffer.from(`${input}.${createHmac('sha256', publicKey).update(input).digest('base64url')}`)
  }
  const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const attackerJwk = attacker.publicKey.export({ format: 'jwk' })
  const forged = (header: object) =>
    rawIdToken({ alg: 'RS256', typ: 'JWT', kid: rsa.kid, ...header }, CLAIMS, attacker.privateKey)
  const spoilt = async (spoil: (text: string) => string) =>
    Buffer.from(spoil(Buffer.from(await idToken(rsa)).toString()))

  it.each<[name: string, evidence: Uint8Array | Promise<Uint8Array>, message: RegExp]>([
    ['the alg none', hmac({ alg: 'none', kid: rsa.kid }), /header of the token must have the alg RS256 or ES256/],
    ['HMAC with the public key', hmac({ alg: 'HS256', kid: rsa.kid }), /must have the alg RS256 or ES256/],
    ['an alg that is not allowed', idToken(ed25519), /must have the alg RS256 or ES256/],
    [
      'the alg of another key',
      idToken(ec, CLAIMS, { kid: rsa.kid }),
      /alg of the token must be that of its key: RS256/,
    ],
    ['a signature by another key', idToken(stranger), /token must have a valid signature/],
    [
      'a kid that is unknown',
      idToken(rsa, CLAIMS, { kid: 'RS256-2' }),
      /kid of the token must be that of a trusted key/,
    ],
    [
      'a kid that is a member of objects',
      idToken(rsa, CLAIMS, { kid: 'constructor' }),
      /kid of the token must be that/,
    ],
    ['no kid, although its issuer has two keys', idToken(rsa, CLAIMS, { kid: undefined }), /must have a kid/],
    ['an embedded jwk', forged({ jwk: attackerJwk }), /header of the token must not contain a key or the address/],
    ['jku', forged({ jku: 'https://evil.example/jwks' }), /must not contain a key or the address/],
    ['x5u', forged({ x5u: 'https://evil.example/x.pem' }), /must not contain a key or the address/],
    ['x5c', forged({ x5c: ['MII='] }), /must not contain a key or the address/],
    ['x5t of another key', forged({ x5t: 'AA' }), /token must have a valid signature/],
    ['crit', forged({ crit: ['exp'] }), /header of the token must not have crit or b64/],
    ['b64', forged({ b64: false }), /header of the token must not have crit or b64/],
    ['the typ at+jwt', idToken(rsa, CLAIMS, { typ: 'at+jwt' }), /must have the typ JWT or none/],
    ['the typ of a logout token', idToken(rsa, CLAIMS, { typ: 'logout+jwt' }), /must have the typ JWT or none/],
    [
      'two alg members',
      rawIdToken('{"alg":"none","alg":"RS256"}', CLAIMS, attacker.privateKey),
      /two members of one name/,
    ],
    [
      'two iss members',
      idToken(rsa, `{"iss":"${ISSUER}",${JSON.stringify(CLAIMS).slice(1)}`),
      /payload of the token must not have two members of one name/,
    ],
    ['a payload that is no object', idToken(rsa, '[]'), /payload of the token must be a JSON object/],
    ['a trailing newline', spoilt((text) => `${text}\n`), /must be visible ASCII without white space/],
    ['padding', spoilt((text) => `${text}==`), /must be canonical base64url/],
    ['another payload', spoilt((text) => text.replace(/\..*\./, '.e30.')), /token must have a valid signature/],
    ['four parts', spoilt((text) => `${text}.AA`), /The token must have three parts/],
    ['no signature', spoilt((text) => text.replace(/[^.]*$/, '')), /The token must have three parts/],
    ['16 KiB and a byte', Buffer.alloc(16_385, 'a'), /must have at most 16384 bytes/],
    ['1 MiB', claims({ more: 'a'.repeat(2 ** 20) }), /must have at most 16384 bytes/],
    ['bytes beyond ASCII', Buffer.from('é.é.é'), /must be visible ASCII/],
    ['nothing', new Uint8Array(), /The token must have three parts/],
  ])('with %s', async (_, evidence, message) => {
    await expect(appraise(await evidence)).rejects.toMatchObject(refusal(message))
  })

  const thumbprint = 'A'.repeat(43)
  it.each<[name: string, change: object, message: RegExp]>([
    ['another issuer', { iss: 'https://evil.example' }, /iss of the token must be https:\/\/issuer.example$/],
    ['its issuer with a slash', { iss: `${ISSUER}/` }, /iss of the token must be/],
    ['its issuer in upper case', { iss: 'https://Issuer.example' }, /iss of the token must be/],
    ['no iss', { iss: undefined }, /iss of the token must be/],
    ['its iss in a list', { iss: [ISSUER] }, /iss of the token must be/],
    ['another audience', { aud: 'https://vault.example' }, /aud of the token must be https:\/\/auth.example\/attest\//],
    ["the audience of another agent's key", { aud: `https://auth.example/attest/${thumbprint}` }, /aud of the token/],
    ['the audience with a slash', { aud: `${AUDIENCE}/` }, /aud of the token must be/],
    ['several audiences', { aud: [AUDIENCE, 'https://vault.example'] }, /exactly one audience/],
    ['its audience twice', { aud: [AUDIENCE, AUDIENCE] }, /exactly one audience/],
    ['no audience', { aud: undefined }, /aud of the token must be/],
    ['an empty list of audiences', { aud: [] }, /aud of the token must be a text/],
    ['no exp', { exp: undefined }, /exp of the token must be a whole number/],
    ['an exp in the past', { exp: NOW_S - 10 }, /must not have expired/],
    ['an exp that is a text', { exp: String(CLAIMS.exp) }, /exp of the token must be a whole number/],
    ['an exp in milliseconds', { exp: CLAIMS.exp * 1000 }, /exp of the token must be a whole number/],
    ['an exp with a fraction', { exp: CLAIMS.exp + 0.5 }, /exp of the token must be a whole number/],
    ['an exp that is null', { exp: null }, /exp of the token must be/],
    ['an iat that is null', { iat: null }, /iat of the token must be/],
    ['an nbf that is a text', { nbf: '0' }, /nbf of the token must be/],
    ['an nbf in the future', { nbf: NOW_S + 11 }, /token must be valid already/],
    ['an iat in the future', { iat: NOW_S + 11 }, /iat of the token must not be in the future/],
    ['an iat that is too old', { iat: NOW_S - 3611 }, /must be at most 3600 seconds old/],
    ['a lifetime of over 25 hours', { exp: CLAIMS.iat + 90_001 }, /must not live longer than 90000 seconds/],
    ['no iat and a long lifetime', { iat: undefined, exp: NOW_S + 90_001 }, /must not live longer than/],
    ['no sub', { sub: undefined }, /sub of the token must be a text/],
    ['an empty sub', { sub: '' }, /sub of the token must be a text/],
    ['a sub of 1,025 characters', { sub: 'a'.repeat(1025) }, /sub of the token must be a text/],
    ['a sub that is a number', { sub: 7 }, /sub of the token must be a text/],
    ['a jti that is null', { jti: null }, /jti of the token must be a text/],
    ['an empty jti', { jti: '' }, /jti of the token must be a text/],
    ['a jti of 257 characters', { jti: 'a'.repeat(257) }, /jti of the token must be a text/],
  ])('whose payload has %s', async (_, change, message) => {
    await expect(appraise(await claims(change))).rejects.toMatchObject(refusal(message))
  })
})

describe('a token is refused by configuration', () => {
  it('if it is for the key of the agent, and the operator wants a fixed audience', async () => {
    const answer = appraise(await idToken(rsa), { audience: 'https://vault.example' })
    await expect(answer).rejects.toMatchObject(refusal(/aud of the token must be https:\/\/vault.example/))
  })

  it('if the key belongs to another configured issuer', async () => {
    const other = { issuer: 'https://other.example', jwks: { keys: [stranger.jwk] } }
    await expect(appraise(await idToken(rsa), other)).rejects.toMatchObject(
      refusal(/token must have a valid signature/),
    )
    await expect(appraise(await idToken(stranger), other)).rejects.toMatchObject(refusal(/iss of the token must be/))
  })

  it.each([
    ['has another value', { repo: 'acme/other' }],
    ['has another type', { repo: 7 }],
    ['is a list of the value', { repo: ['acme/app'] }],
    ['is missing', {}],
  ])('if a required claim %s', async (_, change) => {
    const config = { claims: ['repo'], required_claims: { repo: 'acme/app' } }
    await expect(appraise(await claims(change), config)).rejects.toMatchObject(
      refusal(/^The claim repo of the token must have the value that the operator requires$/),
    )
  })
})
