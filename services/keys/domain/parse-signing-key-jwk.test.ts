import { describe } from 'vitest'
import { opensslKey } from '../../../test/support/openssl.ts'
import { jwkText, type Members, membersOf, type RefusedKey, refusesKeys } from '../../../test/support/refused-keys.ts'

const ed25519 = membersOf(opensslKey('ED25519'))
const p256 = membersOf(opensslKey('EC', 'ec_paramgen_curve:P-256'))
const rsa = membersOf(opensslKey('RSA', 'rsa_keygen_bits:2048'))

/** Returns the text of a JWK without one member. */
const without = (name: string, jwk: Members) => jwkText(jwk, { [name]: undefined })

function zeroBefore(member = ''): string {
  return Buffer.concat([Buffer.of(0), Buffer.from(member, 'base64url')]).toString('base64url')
}

describe('parseSigningKey with a JWK', () => {
  const json = jwkText(ed25519)
  const plusX = ed25519['x']?.replace(/^./, '+')
  refusesKeys([
    ['an array', `[${json}]`, /must be a JWK, or one PEM block/],
    ['a JWK Set', jwkText({ keys: [ed25519] }), /JWK Set/],
    ['a JWK with a member keys', jwkText(ed25519, { keys: [] }), /JWK Set/],
    ['a public key', without('d', ed25519), /not a public key/],
    ['a public RSA key', jwkText({ kty: 'RSA', n: rsa['n'], e: rsa['e'] }), /not a public key/],
    ['a truncated text', json.slice(0, -1), /\(syntax\)/],
    ['text after the JWK', `${json}x`, /\(syntax\)/],
    ['two JWKs', json + json, /\(syntax\)/],
    ['a duplicate member', json.replace('{', `{"d":"${ed25519['x']}",`), /\(duplicate-member\)/],
    ['a duplicate member with an escape', json.replace('{', '{"\\u0064":"AQ",'), /\(duplicate-member\)/],
    ['a member __proto__', json.replace('{', '{"__proto__":{},'), /\(forbidden-member\)/],
    ['members only in __proto__', '{"__proto__":{"kty":"OKP"}}', /\(forbidden-member\)/],
    ['the use "enc"', jwkText(ed25519, { use: 'enc' }), /use of the JWK/],
    ['a use that is null', jwkText(ed25519, { use: null }), /use of the JWK/],
    ['key_ops without sign', jwkText(ed25519, { key_ops: ['verify', 'decrypt'] }), /key_ops/],
    ['empty key_ops', jwkText(ed25519, { key_ops: [] }), /key_ops/],
    ['key_ops as a string', jwkText(ed25519, { key_ops: 'sign' }), /key_ops/],
    ['an alg for RSA-PSS', jwkText(rsa, { alg: 'PS256' }), /alg of the JWK/],
    ['an alg for encryption', jwkText(p256, { alg: 'ECDH-ES' }), /alg of the JWK/],
    ['an alg that is no string', jwkText(ed25519, { alg: ['EdDSA'] }), /alg of the JWK/],
    ['an alg that is null', jwkText(ed25519, { alg: null }), /alg of the JWK/],
    ['a number as d', jwkText(ed25519, { d: 1234567890123 }), /Member d .* base64url/],
    ['null as x', jwkText(ed25519, { x: null }), /Member x .* base64url/],
    ['base64url with padding', jwkText(ed25519, { d: `${ed25519['d']}=` }), /Member d .* base64url/],
    ['standard base64', jwkText(ed25519, { x: plusX }), /Member x .* base64url/],
    ['base64url with trailing bits', jwkText(p256, { y: p256['y']?.replace(/.$/, 'B') }), /Member y .* base64url/],
    ['whitespace in a member', jwkText(rsa, { q: ` ${rsa['q']}` }), /Member q .* base64url/],
    ['a seed of 31 bytes', jwkText(ed25519, { d: Buffer.alloc(31, 1).toString('base64url') }), /Member d .* 32 bytes/],
    [
      'an expanded Ed25519 key',
      jwkText(ed25519, { d: Buffer.alloc(64, 1).toString('base64url') }),
      /Member d .* 32 bytes/,
    ],
    ['a coordinate with a leading zero byte', jwkText(p256, { x: zeroBefore(p256['x']) }), /Member x .* 32 bytes/],
    ['an RSA number with a leading zero byte', jwkText(rsa, { n: zeroBefore(rsa['n']) }), /Member n .* shortest form/],
    ['an RSA number that is empty', jwkText(rsa, { dp: '' }), /Member dp .* shortest form/],
    ['an RSA number that is zero', jwkText(rsa, { qi: 'AA' }), /Member qi .* shortest form/],
    ...['x', 'y'].map(
      (name): RefusedKey => [`a P-256 key without ${name}`, without(name, p256), RegExp(`must have a member ${name};`)],
    ),
    ...['n', 'e', 'p', 'q', 'dp', 'dq', 'qi'].map(
      (name): RefusedKey => [`an RSA key without ${name}`, without(name, rsa), RegExp(`must have a member ${name};`)],
    ),
  ])
})
