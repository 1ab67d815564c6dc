import { Point } from '@noble/ed25519'
import { describe, expect, it } from 'vitest'
import { withOtherS } from '../../../../test/support/ecdsa-signatures.ts'
import { didOf, type EventKey, identityKey, p256Key, proofOf } from '../../../../test/support/key-events.ts'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { jwkThumbprint } from '../jose/public-jwk.ts'
import { isLowS } from '../keys/low-s.ts'
import { KEY_PROOF_TYPE } from './jws-types.ts'
import { checkKeyProof } from './key-proof.ts'

const [ed25519, other, p256, otherP256] = [identityKey('new'), identityKey('other'), p256Key('new'), p256Key('other')]
const end = { type: 'deactivate', did: didOf(ed25519), seq: 3, prev: other.kid, iat: 1_800_000_000 }
/** The claims that the key has to sign, and the claims of its event. */
const claims = { ...end, key: ed25519.jwk }
const p256Claims = { ...end, key: p256.jwk }

const check = (text: string, { jwk, kid }: Pick<EventKey, 'jwk' | 'kid'> = ed25519) =>
  checkKeyProof(text, jwk, kid, { ...end, key: jwk, proof: text })
const malformed = (demand: string) => ({ ok: false, why: 'malformed', demand })
const signature = (demand: string) => ({ ok: false, why: 'signature', demand })

const CLAIMS = 'the proof must have exactly the claims of its event, without proof'
const KID = 'kid of the proof must be the thumbprint of the new key'
const SIGNED = 'the proof must be signed with the new key'

/** Returns an object with its members in the opposite order. */
const reversed = (object: object) => Object.fromEntries(Object.entries(object).toReversed())

/** Replaces the signature of a JWS. */
function resigned(text: string, change: (signature: Buffer) => Uint8Array): string {
  const at = text.lastIndexOf('.') + 1
  return text.slice(0, at) + Buffer.from(change(Buffer.from(text.slice(at), 'base64url'))).toString('base64url')
}

describe('checkKeyProof', () => {
  it.each([
    ['Ed25519', proofOf(ed25519, claims), ed25519],
    ['Ed25519 with the alg Ed25519', proofOf(ed25519, claims, { alg: 'Ed25519' }), ed25519],
    ['P-256', proofOf(p256, p256Claims), p256],
    [
      'P-256 with the claims in another order',
      proofOf(p256, reversed({ ...p256Claims, key: reversed(p256.jwk) })),
      p256,
    ],
    ['Ed25519 with a further header member', proofOf(ed25519, claims, { note: 1 }), ed25519],
  ] as const)('accepts a proof of %s', (_name, text, key) => {
    expect(check(text, key)).toBeUndefined()
  })

  it('accepts both values of S from a P-256 key, because key stores produce either', () => {
    const proof = proofOf(p256, p256Claims)
    const flipped = resigned(proof, withOtherS)
    const isLow = [proof, flipped].map((text) => isLowS(Buffer.from(text.split('.')[2] ?? '', 'base64url')))
    expect(new Set(isLow)).toEqual(new Set([false, true]))
    expect([check(proof, p256), check(flipped, p256)]).toEqual([undefined, undefined])
  })

  it.each([
    ['the alg none', { alg: 'none' }, 'the header of the proof must have the alg EdDSA or Ed25519'],
    [
      'the alg ES256 for an Ed25519 key',
      { alg: 'ES256' },
      'the header of the proof must have the alg EdDSA or Ed25519',
    ],
    [
      'the typ of an event',
      { typ: 'auth4agent-key-event+jwt' },
      `the header of the proof must have the typ ${KEY_PROOF_TYPE}`,
    ],
    ['no typ', { typ: undefined }, `the header of the proof must have the typ ${KEY_PROOF_TYPE}`],
    ['the typ JWT', { typ: 'JWT' }, `the header of the proof must have the typ ${KEY_PROOF_TYPE}`],
    ['no kid', { kid: undefined }, 'the header of the proof must have a kid of 1 to 128 visible ASCII characters'],
    [
      'a jwk',
      { jwk: ed25519.jwk },
      'the header of the proof must not contain a key or the address of one, such as jwk or jku',
    ],
    ['crit', { crit: ['did'] }, 'the header of the proof must not have crit or b64'],
  ])('refuses a header with %s', (_name, header, demand) => {
    expect(check(proofOf(ed25519, claims, header))).toEqual(malformed(demand))
  })

  it('refuses the alg EdDSA for a P-256 key', () => {
    const demand = 'the header of the proof must have the alg ES256'
    expect(check(proofOf(p256, p256Claims, { alg: 'EdDSA' }), p256)).toEqual(malformed(demand))
  })

  it.each([
    ['no JWS', 'proof', 'the text of the proof must have three parts separated by dots: header.payload.signature'],
    ['4,097 bytes', proofOf(ed25519, claims).padEnd(4097, 'A'), 'the text of the proof must have at most 4096 bytes'],
    [
      'padding',
      `${proofOf(ed25519, claims)}==`,
      'the signature of the proof must be canonical base64url without padding',
    ],
  ])('refuses a text with %s', (_name, text, demand) => {
    expect(check(text)).toEqual(malformed(demand))
  })

  it.each([
    ['another DID', { did: didOf(ed25519, 'other.example') }],
    ['the number as text', { seq: '3' }],
    ['another key', { key: other.jwk }],
    ['the key as text', { key: JSON.stringify(ed25519.jwk) }],
    ['no key', { key: undefined }],
    ['a key that is null', { key: null }],
    ['a key in a list', { key: [ed25519.jwk] }],
    ['a key with a further member', { key: { ...ed25519.jwk, use: 'sig' } }],
    ['a key without a member', { key: { ...ed25519.jwk, crv: undefined } }],
    ['a key with another name for a member', { key: { ...ed25519.jwk, crv: undefined, constructor: 'Ed25519' } }],
    ['no iat', { iat: undefined }],
    ['the claim next, which its event does not have', { next: other.kid }],
    ['a proof inside the proof', { proof: proofOf(ed25519, claims) }],
    ['a further claim that objects inherit', { constructor: 1 }],
    ['a claim that objects inherit instead of another one', { iat: undefined, constructor: 1 }],
  ])('refuses a proof with %s', (_name, change) => {
    expect(check(proofOf(ed25519, { ...claims, ...change }))).toEqual(signature(CLAIMS))
  })

  it.each([
    ['the thumbprint of another key', proofOf(ed25519, claims, { kid: other.kid }), ed25519, KID],
    ['the proof of another key under its own kid', proofOf(other, claims), ed25519, KID],
    ['the proof of another key under this kid', proofOf(other, claims, { kid: ed25519.kid }), ed25519, SIGNED],
    ['the proof of another P-256 key under this kid', proofOf(otherP256, p256Claims, { kid: p256.kid }), p256, SIGNED],
    ['64 bytes of zero', resigned(proofOf(ed25519, claims), () => Buffer.alloc(64)), ed25519, SIGNED],
    ['64 bytes of zero of P-256', resigned(proofOf(p256, p256Claims), () => Buffer.alloc(64)), p256, SIGNED],
    ['a signature of 63 bytes', resigned(proofOf(ed25519, claims), (bytes) => bytes.subarray(1)), ed25519, SIGNED],
    [
      'a P-256 signature with a byte more',
      resigned(proofOf(p256, p256Claims), (bytes) => Buffer.concat([bytes, Buffer.of(0)])),
      p256,
      SIGNED,
    ],
  ] as const)('refuses %s', (_name, text, key, demand) => {
    expect(check(text, key)).toEqual(signature(demand))
  })

  it.each([
    [
      'a duplicate member',
      (json: string) => json.replace('{', '{"seq":3,'),
      'must not have two members of one name in an object',
    ],
    ['__proto__', (json: string) => json.replace('{', '{"__proto__":1,'), 'must not have a member __proto__'],
    ['no object', (json: string) => `[${json}]`, 'must be a JSON object'],
  ])('refuses claims with %s, although the key has signed them', (_name, change, demand) => {
    const [header = '', payload = ''] = proofOf(ed25519, claims).split('.')
    const changed = change(Buffer.from(payload, 'base64url').toString())
    const input = `${header}.${Buffer.from(changed).toString('base64url')}`
    const text = `${input}.${Buffer.from(ed25519.signNow(Buffer.from(input))).toString('base64url')}`
    expect(check(text)).toEqual(malformed(`the payload of the proof ${demand}`))
  })

  it('refuses the signature of S + L, which lax verifiers of Ed25519 accept', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const text = resigned(proofOf(ed25519, claims), (bytes) => {
      const hex = Buffer.from(bytes.subarray(32).toReversed()).toString('hex')
      const sum = (BigInt(`0x${hex}`) + order).toString(16).padStart(64, '0')
      return Buffer.concat([bytes.subarray(0, 32), Buffer.from(sum, 'hex').toReversed()])
    })
    expect(check(text)).toEqual(signature(SIGNED))
  })
})

const ofBytes = (bytes: Uint8Array): PublicJwk => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(bytes).toString('base64url'),
})

describe('checkKeyProof, about keys that are no good points', () => {
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const ofHex = (hex: string) => ofBytes(Buffer.from(hex, 'hex'))
  const { x, y } = p256.jwk

  it.each([
    ['of order 1', ofHex(`01${'00'.repeat(31)}`)],
    ['of order 4, all zero', ofHex('00'.repeat(32))],
    ['of order 8', ofBytes(torsion.toBytes())],
    ['of mixed order', ofBytes(Point.fromBytes(ed25519.publicKey).add(torsion).toBytes())],
    ['that is on no curve', ofHex(`02${'00'.repeat(31)}`)],
    ['in a second encoding', ofHex(`ee${'ff'.repeat(30)}7f`)],
    ['of P-256 that is not on the curve', { kty: 'EC', crv: 'P-256', x: y, y: x }],
    ['of P-256 that is zero', { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }],
  ] as const)('refuses a key %s', (_name, jwk) => {
    const signer = jwk.kty === 'OKP' ? ed25519 : p256
    const kid = jwkThumbprint(jwk)
    expect(check(proofOf(signer, { ...end, key: jwk }, { kid }), { jwk, kid })).toEqual(
      malformed('key must be a valid point of its curve'),
    )
  })
})
