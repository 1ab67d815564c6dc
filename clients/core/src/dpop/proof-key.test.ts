import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { DPOP_RULES, dpopProof, type ProofEdits } from '../../../../test/support/dpop-proofs.ts'
import { withOtherS } from '../../../../test/support/ecdsa-signatures.ts'
import { type TestTokenKey, testTokenKey } from '../../../../test/support/token-keys.ts'
import { isLowS } from '../keys/low-s.ts'
import { checkDpopProof } from './dpop-proof.ts'

const KEYS = { EdDSA: testTokenKey('EdDSA'), Ed25519: testTokenKey('Ed25519'), ES256: testTokenKey('ES256') }
const RSA = testTokenKey('RS256')

const checkText = (text: string) => checkDpopProof(text, DPOP_RULES)
const check = (edits: ProofEdits, key: TestTokenKey = KEYS.EdDSA) => checkText(dpopProof(key, edits))
const withJwk = (jwk: unknown, key?: TestTokenKey) => check({ header: { jwk } }, key)
const encode = (text: string) => Buffer.from(text).toString('base64url')
const partsOf = (text: string) => text.split('.') as [string, string, string]
const privateMembers = ({ privateKey }: TestTokenKey) => privateKey.export({ format: 'jwk' })
const okp = (hex: string) => ({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') })

/** Returns the same ES256 proof with the other S that is valid too. */
function resigned(text: string): string {
  const [header, payload, signature] = partsOf(text)
  return `${header}.${payload}.${withOtherS(Buffer.from(signature, 'base64url')).toString('base64url')}`
}

const KEY_DEMAND = { ok: false, demand: 'jwk must be a public Ed25519 or P-256 key that fits alg' }
const SIGNATURE_DEMAND = { ok: false, demand: 'the signature must be valid under jwk' }
const about = (part: string, rest: string) => ({ ok: false, demand: `the ${part} ${rest}` })

describe('checkDpopProof, about algorithms', () => {
  it.each(Object.values(KEYS))('accepts $alg', (key) => {
    expect(check({}, key)).toMatchObject({ ok: true, jkt: key.kid })
  })

  it('accepts EdDSA and Ed25519 for the same key, also alternately', () => {
    for (const alg of ['EdDSA', 'Ed25519', 'EdDSA']) expect(check({ header: { alg } }).ok).toBe(true)
  })

  it.each(['none', 'None', 'HS256', 'RS256', 'PS256', 'ES384', 'ES256K', 'Ed448', 'eddsa', '', 'constructor', null, 1])(
    'refuses alg %j',
    (alg) => {
      const demand = about('header', 'must have the alg EdDSA or Ed25519 or ES256')
      for (const key of Object.values(KEYS)) expect(check({ header: { alg } }, key)).toEqual(demand)
    },
  )

  it('refuses an RSA key with RS256, and with a name of another algorithm', () => {
    expect(check({}, RSA).ok).toBe(false)
    expect(check({ header: { alg: 'ES256' } }, RSA)).toEqual(KEY_DEMAND)
  })

  it.each(['EdDSA', 'Ed25519', 'ES256'])('refuses %s with a key for another one', (alg) => {
    const other = alg === 'ES256' ? KEYS.EdDSA : KEYS.ES256
    expect(check({}, other).ok).toBe(true)
    expect(check({ header: { alg } }, other)).toEqual(KEY_DEMAND)
  })

  it('refuses an HMAC with the public key as its secret', () => {
    for (const key of Object.values(KEYS)) {
      const [header, payload] = partsOf(dpopProof(key))
      const macs = [
        JSON.stringify(key.jwk),
        ...Object.values(key.jwk).map((text) => Buffer.from(text, 'base64url')),
      ].map((secret) => createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url'))
      for (const mac of macs) expect(checkText(`${header}.${payload}.${mac}`)).toEqual(SIGNATURE_DEMAND)
    }
  })

  it('accepts both values of S in a proof with ES256', () => {
    const text = dpopProof(KEYS.ES256)
    const other = resigned(text)
    const isLow = [text, other].map((each) => isLowS(Buffer.from(partsOf(each)[2], 'base64url')))
    expect(isLow).toEqual([true, false])
    // The id is the same, so the other text is a replay.
    expect(checkText(other)).toEqual(checkText(text))
    expect(checkText(other).ok).toBe(true)
  })
})

describe('checkDpopProof, about the key', () => {
  it.each([
    ['no jwk', undefined],
    ['jwk null', null],
    ['jwk that is a text', JSON.stringify(KEYS.EdDSA.jwk)],
    ['jwk in an array', [KEYS.EdDSA.jwk]],
  ])('refuses %s', (_name, jwk) => {
    const demand = about('header', 'must contain a key as jwk, and no other key or address of one')
    expect(withJwk(jwk)).toEqual(demand)
  })

  it.each(['jku', 'x5u', 'x5c', 'x5t', 'x5t#S256'])('refuses a second key or its address in %s', (name) => {
    const demand = about('header', 'must contain a key as jwk, and no other key or address of one')
    expect(check({ header: { [name]: 'https://keys.example' } })).toEqual(demand)
  })

  it.each(Object.values(KEYS))('accepts other public members in the jwk of $alg, and the same thumbprint', (key) => {
    const more = { alg: key.alg, use: 'sig', kid: 'mine', key_ops: ['verify'], ext: true, note: 1 }
    expect(withJwk({ ...more, ...key.jwk }, key)).toMatchObject({ ok: true, jkt: key.kid })
  })

  it.each(Object.values(KEYS))('refuses the private key of $alg', (key) => {
    expect(withJwk(privateMembers(key), key)).toEqual(KEY_DEMAND)
  })

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'refuses the private member %s, whatever its value',
    (name) => {
      for (const value of ['AA', '', null]) {
        expect(withJwk({ ...KEYS.EdDSA.jwk, [name]: value })).toEqual(KEY_DEMAND)
        expect(withJwk({ ...KEYS.ES256.jwk, [name]: value }, KEYS.ES256)).toEqual(KEY_DEMAND)
      }
    },
  )

  const { jwk } = KEYS.ES256
  const y = jwk.kty === 'EC' ? jwk.y : ''
  const offCurve = Buffer.from(Buffer.from(y, 'base64url').map((byte, index) => (index === 31 ? byte ^ 1 : byte)))
  it.each([
    ['of another curve', { ...jwk, crv: 'P-384' }],
    ['of secp256k1', { ...jwk, crv: 'secp256k1' }],
    ['that is not on the curve', { ...jwk, y: offCurve.toString('base64url') }],
    ['at infinity', { ...jwk, x: encode('\0'.repeat(32)), y: encode('\0'.repeat(32)) }],
    ['without y', { ...jwk, y: undefined }],
    ['with y in padded base64url', { ...jwk, y: `${y}=` }],
    ['with one byte too few', { ...jwk, y: encode('y'.repeat(31)) }],
    ['without kty', { ...jwk, kty: undefined }],
    ['that is symmetric', { kty: 'oct', k: encode('k'.repeat(32)) }],
  ])('refuses a P-256 key %s', (_name, changed) => {
    expect(withJwk(changed, KEYS.ES256)).toEqual(KEY_DEMAND)
  })

  it.each([
    ['of another curve', { ...KEYS.EdDSA.jwk, crv: 'X25519' }],
    ['of Ed448', { ...KEYS.EdDSA.jwk, crv: 'Ed448' }],
    ['that is not on the curve', okp(`02${'00'.repeat(31)}`)],
    ['of small order', okp(`01${'00'.repeat(31)}`)],
    ['of order 8', okp('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')],
    ['of mixed order', okp('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d')],
    ['in a second form', okp(`ee${'ff'.repeat(30)}7f`)],
    ['with 31 bytes', okp('11'.repeat(31))],
    ['without x', { kty: 'OKP', crv: 'Ed25519' }],
  ])('refuses an Ed25519 key %s', (_name, changed) => {
    expect(withJwk(changed)).toEqual(KEY_DEMAND)
  })

  it('refuses the signature that is valid for every message under a key of small order', () => {
    const [header, payload] = partsOf(dpopProof(KEYS.EdDSA, { header: { jwk: okp(`01${'00'.repeat(31)}`) } }))
    const forged = Buffer.concat([Buffer.of(1), Buffer.alloc(63)]).toString('base64url')
    expect(checkText(`${header}.${payload}.${forged}`)).toEqual(KEY_DEMAND)
  })

  it.each(Object.values(KEYS))(
    'refuses the signature of another key for $alg, before and after a valid proof',
    (key) => {
      const fresh = testTokenKey(key.alg)
      const forged = dpopProof(fresh, { header: { jwk: key.jwk } })
      expect(checkText(forged)).toEqual(SIGNATURE_DEMAND)
      expect(check({}, key).ok).toBe(true)
      expect(checkText(forged)).toEqual(SIGNATURE_DEMAND)
      expect(check({}, fresh).ok).toBe(true)
    },
  )

  it.each(Object.values(KEYS))('refuses a changed proof of $alg, and a shorter or longer signature', (key) => {
    const [header, payload, signature] = partsOf(dpopProof(key))
    const [, otherPayload] = partsOf(dpopProof(key, { claims: { jti: 'proof-2' } }))
    const bytes = Buffer.from(signature, 'base64url')
    const withBytes = (changed: Uint8Array) => `${header}.${payload}.${Buffer.from(changed).toString('base64url')}`
    const forged = [
      `${header}.${otherPayload}.${signature}`,
      withBytes(Buffer.alloc(64)),
      withBytes(Buffer.alloc(64, 0xff)),
      withBytes(bytes.subarray(1)),
      withBytes(bytes.subarray(0, 63)),
      withBytes(Buffer.concat([bytes, Buffer.alloc(1)])),
    ]
    for (const text of forged) expect(checkText(text)).toEqual(SIGNATURE_DEMAND)
  })

  it('accepts proofs of many keys, each also a second time', () => {
    const keys = Array.from({ length: 50 }, (_, index) => testTokenKey(index % 2 === 0 ? 'EdDSA' : 'ES256'))
    for (const key of [...keys, ...keys]) expect(check({}, key)).toMatchObject({ ok: true, jkt: key.kid })
  })
})
