import { describe, expect, it } from 'vitest'
import { certificate } from '../../../test/support/certificate.ts'
import { openssl, opensslKey } from '../../../test/support/openssl.ts'
import { jwkText, membersOf, refusesKeys } from '../../../test/support/refused-keys.ts'
import { memberOf } from '../../../test/support/rsa-numbers.ts'
import { parseSigningKey } from './parse-signing-key.ts'

const ed25519Pem = opensslKey('ED25519')
const p256Pem = opensslKey('EC', 'ec_paramgen_curve:P-256')
const rsaPem = opensslKey('RSA', 'rsa_keygen_bits:2048')
const [ed25519, p256, rsa] = [membersOf(ed25519Pem), membersOf(p256Pem), membersOf(rsaPem)]
const encrypted = openssl('genpkey -algorithm ED25519 -aes256 -pass pass:secret')

const derOf = (pem: string) => Buffer.from(pem.replaceAll(/-----.*-----/g, ''), 'base64')

const pemOf = (label: string, der: Uint8Array) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`

/** An Ed25519 key with a public half beside it (RFC 5958 section 2), which OpenSSL reads and never looks at. */
function withPublicHalf(pem: string): Buffer {
  const rest = Buffer.concat([
    Buffer.from([2, 1, 1]),
    derOf(pem).subarray(5),
    Buffer.from([0x81, 33, 0]),
    Buffer.alloc(32),
  ])
  return Buffer.concat([Buffer.from([0x30, rest.length]), rest])
}

const generated = (curve: string) => opensslKey('EC', `ec_paramgen_curve:${curve}`)

describe('a text', () => {
  refusesKeys([
    ['nothing', '', /is empty/],
    ['whitespace', ' \n\t', /is empty/],
    ['what is neither PEM nor JSON', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIeX', /neither a JWK nor one PEM block/],
    ['base64 without its lines', ed25519Pem.replaceAll(/-----.*-----/g, ''), /neither a JWK nor one PEM block/],
    ['more than 16 KiB', ed25519Pem + ' '.repeat(16 * 1024), /more than 16384 bytes/],
    ['more than 16 KiB in UTF-8', jwkText(ed25519, { kid: 'é'.repeat(8200) }), /more than 16384 bytes/],
  ])

  it('may have 16 KiB', async () => {
    expect(await parseSigningKey(ed25519Pem.padEnd(16 * 1024), '')).toMatchObject({ alg: 'EdDSA' })
  })
})

describe('PEM', () => {
  refusesKeys([
    ['encrypted PKCS #8', encrypted, /is encrypted.*openssl pkey/],
    [
      'encrypted PKCS #1',
      openssl('rsa -traditional -aes256 -passout pass:secret', rsaPem),
      /is encrypted.*openssl pkey/,
    ],
    ['encrypted PKCS #8 that does not say so', pemOf('PRIVATE KEY', derOf(encrypted)), /damaged/],
    ['a public key', openssl('pkey -pubout', p256Pem), /is a public key/],
    ['a public key of PKCS #1', openssl('rsa -RSAPublicKey_out', rsaPem), /is a public key/],
    ['a public key that says to be private', pemOf('PRIVATE KEY', derOf(openssl('pkey -pubout', p256Pem))), /damaged/],
    ['a certificate', certificate.cert, /is a certificate/],
    ['a certificate and its key', certificate.cert + certificate.key, /several blocks/],
    ['a key and its certificate', certificate.key + certificate.cert, /several blocks/],
    ['two keys', ed25519Pem + p256Pem, /several blocks/],
    ['parameters and a key', openssl('ecparam -name prime256v1 -genkey'), /several blocks/],
    ['a key of OpenSSH', ed25519Pem.replaceAll('PRIVATE', 'OPENSSH PRIVATE'), /OpenSSH.*ssh-keygen -p/],
    ['an unknown label', ed25519Pem.replaceAll('PRIVATE', 'SECRET'), /is something else/],
    ['the name of a prototype as a label', ed25519Pem.replaceAll('PRIVATE KEY', 'CONSTRUCTOR'), /is something else/],
    ['text before it', `key:\n${ed25519Pem}`, /neither a JWK nor one PEM block/],
    ['text behind it', `${ed25519Pem}#`, /neither a JWK nor one PEM block/],
    ['what openssl prints for people', openssl('pkey -text', ed25519Pem), /neither a JWK nor one PEM block/],
    ['no END', ed25519Pem.replace(/-----END.*/, ''), /neither a JWK nor one PEM block/],
    ['another END', ed25519Pem.replace('END PRIVATE', 'END EC PRIVATE'), /neither a JWK nor one PEM block/],
    ['an END that comes again', ed25519Pem + (ed25519Pem.split('\n').at(-2) ?? ''), /damaged/],
    ['headers', ed25519Pem.replace('\n', '\nComment: mine\n\n'), /has headers/],
    ['base64url', ed25519Pem.replace(/(?<=\n.{8})./, '_'), /damaged/],
    ['base64 with too little padding', p256Pem.replace(/.(?=\n-----END)/, ''), /damaged/],
    ['a base64 character of no meaning', p256Pem.replace(/(?<=\n.{8})/, '!'), /damaged/],
    ['no bytes', pemOf('PRIVATE KEY', Buffer.alloc(0)), /damaged/],
    ['one byte', pemOf('PRIVATE KEY', Buffer.from([0x30])), /damaged/],
    ['bytes that are cut', pemOf('PRIVATE KEY', derOf(rsaPem).subarray(0, -1)), /damaged/],
    ['bytes behind an Ed25519 key', pemOf('PRIVATE KEY', Buffer.concat([derOf(ed25519Pem), Buffer.of(0)])), /damaged/],
    ['bytes behind a P-256 key', pemOf('PRIVATE KEY', Buffer.concat([derOf(p256Pem), Buffer.of(0)])), /damaged/],
    ['bytes behind an RSA key', pemOf('PRIVATE KEY', Buffer.concat([derOf(rsaPem), Buffer.of(0)])), /damaged/],
    [
      'a public half beside an Ed25519 key',
      pemOf('PRIVATE KEY', withPublicHalf(ed25519Pem)),
      /more than an Ed25519 key/,
    ],
    ['a SEQUENCE that is no key', pemOf('PRIVATE KEY', Buffer.of(0x30, 3, 2, 1, 0)), /damaged/],
  ])
})

describe('another kind of key', () => {
  refusesKeys([
    ['P-384 as PEM', generated('P-384'), /another curve/],
    ['P-521 as PEM', generated('P-521'), /another curve/],
    ['secp256k1 as PEM', generated('secp256k1'), /another curve/],
    ['a curve that JOSE has no name for', generated('brainpoolP256r1'), /another curve/],
    ['secp256k1 in SEC 1', openssl('ecparam -name secp256k1 -genkey -noout'), /another curve/],
    ['Ed448 as PEM', opensslKey('ED448'), /of another type/],
    ['X25519 as PEM', opensslKey('X25519'), /of another type/],
    ['X448 as PEM', opensslKey('X448'), /of another type/],
    ['ML-DSA as PEM', opensslKey('ML-DSA-44'), /of another type/],
    ['RSA-PSS as PEM', opensslKey('RSA-PSS', 'rsa_keygen_bits:2048'), /RSA-PSS alone/],
    ['RSA of 1024 bits', opensslKey('RSA', 'rsa_keygen_bits:1024'), /has 1024 bits.*2048 to 4096/],
    ['RSA of 2047 bits', opensslKey('RSA', 'rsa_keygen_bits:2047'), /has 2047 bits/],
    ['RSA of 4097 bits', jwkText(rsa, { n: memberOf(2n ** 4096n + 1n) }), /has 4097 bits/],
    ['RSA with the exponent 3', opensslKey('RSA', 'rsa_keygen_bits:2048', 'rsa_keygen_pubexp:3'), /exponent/],
    [
      'RSA of three primes as PEM',
      opensslKey('RSA', 'rsa_keygen_bits:3072', 'rsa_keygen_primes:3'),
      /belong together, or are more than two primes/,
    ],
    ['RSA of three primes as a JWK', jwkText(rsa, { oth: [{ r: 'AQ', d: 'AQ', t: 'AQ' }] }), /more than two primes/],
    ['P-384 as a JWK', jwkText(membersOf(generated('P-384'))), /another curve/],
    ['secp256k1 as a JWK', jwkText(membersOf(generated('secp256k1'))), /another curve/],
    ['X25519 as a JWK', jwkText(membersOf(opensslKey('X25519'))), /another curve/],
    ['Ed448 as a JWK', jwkText(membersOf(opensslKey('ED448'))), /another curve/],
    ['Ed25519 as EC', jwkText(p256, { crv: 'Ed25519' }), /another curve/],
    ['P-256 as OKP', jwkText(ed25519, { crv: 'P-256' }), /another curve/],
    ['no curve', jwkText(p256, { crv: undefined }), /another curve/],
    ['a symmetric JWK', jwkText({ kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ', d: 'AQ' }), /symmetric/],
    ['AKP', jwkText({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AQ', priv: 'AQ', d: 'AQ' }), /kty of the JWK/],
    ['no kty', jwkText(ed25519, { kty: undefined }), /kty of the JWK/],
    ['a kty that is no string', jwkText(ed25519, { kty: ['OKP'] }), /kty of the JWK/],
    ['the name of a prototype as kty', jwkText(ed25519, { kty: 'constructor' }), /kty of the JWK/],
  ])
})
