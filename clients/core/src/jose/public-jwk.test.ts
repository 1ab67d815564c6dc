import { describe, expect, it } from 'vitest'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from './public-jwk.ts'

/** RFC 7638 section 3.1. */
const RSA_N =
  '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
const RSA: PublicJwk = { kty: 'RSA', n: RSA_N, e: 'AQAB' }
/** RFC 8037 appendix A.2. */
const OKP: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
/** RFC 7517 appendix A.1. */
const EC: PublicJwk = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
}

const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
/** Returns an odd number with this many bits. */
const odd = (bits: number) => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff)
  bytes.writeUInt8(0xff >> (8 * bytes.length - bits), 0)
  return bytes
}
const modulus = (bytes: Uint8Array) => ({ ...RSA, n: encode(bytes) })

describe('jwkThumbprint', () => {
  it.each([
    ['RFC 7638 section 3.1', RSA, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
    ['RFC 8037 appendix A.3', OKP, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
    ['the P-256 key of RFC 7517 appendix A.1', EC, 'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s'],
  ])('returns the thumbprint of %s', (_name, jwk, kid) => {
    expect(jwkThumbprint(jwk)).toBe(kid)
  })

  it('returns the same thumbprint for any order of the members', () => {
    expect(jwkThumbprint({ y: EC.y, x: EC.x, crv: 'P-256', kty: 'EC' })).toBe(jwkThumbprint(EC))
  })
})

describe('readPublicJwk', () => {
  it.each([
    ['Ed25519', OKP],
    ['P-256', EC],
    ['RSA of 2048 bits', modulus(odd(2048))],
    ['RSA of 2049 bits', modulus(odd(2049))],
    ['RSA of 3072 bits', modulus(odd(3072))],
    ['RSA of 4096 bits', modulus(odd(4096))],
  ])('reads %s', (_name, jwk) => {
    expect(readPublicJwk(jwk)).toEqual(jwk)
    expect(readPublicJwk(Object.fromEntries(Object.entries(jwk).toReversed()))).toEqual(jwk)
  })

  it.each([
    ['null', null],
    ['a text', JSON.stringify(OKP)],
    ['an array', [OKP]],
    ['an object without members', {}],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
    ['another kty', { ...OKP, kty: 'EC' }],
    ['kty in lower case', { ...OKP, kty: 'okp' }],
    ['no kty', { ...OKP, kty: undefined }],
    ['X25519', { ...OKP, crv: 'X25519' }],
    ['Ed448', { ...OKP, crv: 'Ed448' }],
    ['P-384', { ...EC, crv: 'P-384' }],
    ['secp256k1', { ...EC, crv: 'secp256k1' }],
    ['a curve in an array', { ...EC, crv: ['P-256'] }],
    ['no x', { kty: 'OKP', crv: 'Ed25519' }],
    ['a point off the curve', { ...EC, x: EC.y, y: EC.x }],
    ['a coordinate beyond the field', { ...EC, x: encode(Buffer.alloc(32, 0xff)) }],
    ['no y', { kty: 'EC', crv: 'P-256', x: EC.x }],
    ['no n', { kty: 'RSA', e: 'AQAB' }],
    ['no e', { kty: 'RSA', n: RSA_N }],
    ['x a number', { ...OKP, x: 1 }],
    ['y null', { ...EC, y: null }],
    ['n an array', { ...RSA, n: [RSA_N] }],
    ['x with padding', { ...OKP, x: `${OKP.x}=` }],
    ['x with trailing bits', { ...OKP, x: `${OKP.x.slice(0, -1)}p` }],
    ['x of 31 bytes', { ...OKP, x: encode(Buffer.alloc(31, 1)) }],
    ['x of 33 bytes', { ...EC, x: encode(Buffer.concat([Buffer.alloc(1), Buffer.from(EC.x, 'base64url')])) }],
    ['y of 33 bytes', { ...EC, y: encode(Buffer.concat([Buffer.alloc(1), Buffer.from(EC.y, 'base64url')])) }],
    ['y of 31 bytes', { ...EC, y: encode(Buffer.alloc(31, 1)) }],
    ['y on an Edwards curve', { ...OKP, y: OKP.x }],
    ['n with padding', { ...RSA, n: `${RSA_N}==` }],
    ['n in standard base64', { ...RSA, n: Buffer.from(RSA_N, 'base64url').toString('base64') }],
    ['n with a leading zero', modulus(Buffer.concat([Buffer.alloc(1), Buffer.from(RSA_N, 'base64url')]))],
    ['n empty', { ...RSA, n: '' }],
    ['n of 1024 bits', modulus(odd(1024))],
    ['n of 2047 bits', modulus(odd(2047))],
    ['n of 4097 bits', modulus(odd(4097))],
    ['n even', modulus(Buffer.from(odd(2048)).fill(0xfe, 255))],
    ['e of 3', { ...RSA, e: 'Aw' }],
    ['e of 1', { ...RSA, e: 'AQ' }],
    ['e with a leading zero', { ...RSA, e: 'AAEAAQ' }],
    ['e with padding', { ...RSA, e: 'AQAB=' }],
    ['e of 65539', { ...RSA, e: 'AQAD' }],
    ['a private member: d of an Edwards curve', { ...OKP, d: OKP.x }],
    ['a private member: d of a prime curve', { ...EC, d: EC.x }],
    ['a private member: d of RSA', { ...RSA, d: RSA_N }],
    ['a private member: p', { ...RSA, p: RSA_N }],
    ['a kid', { ...OKP, kid: 'k' }],
    ['an alg', { ...OKP, alg: 'EdDSA' }],
    ['__proto__', JSON.parse(`{"__proto__":{},"kty":"OKP","crv":"Ed25519","x":"${OKP.x}"}`)],
    ['inherited members', Object.create(OKP)],
  ])('refuses %s', (_name, value) => {
    expect(readPublicJwk(value)).toBeUndefined()
  })
})
