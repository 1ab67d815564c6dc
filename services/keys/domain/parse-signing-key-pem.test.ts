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

/** An Ed25519 key that contains a public half (RFC 5958 section 2), which OpenSSL ignores. */
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

describe('parseSigningKey', () => {
  refusesKeys([
    ['an empty text', '', /must not be empty/],
    ['whitespace', ' \n\t', /must not be empty/],
    [
      'a text that is neither PEM nor JSON',
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIeX',
      /must be a JWK, or one PEM block/,
    ],
    ['base64 without BEGIN and END', ed25519Pem.replaceAll(/-----.*-----/g, ''), /must be a JWK, or one PEM block/],
    ['more than 16 KiB', ed25519Pem + ' '.repeat(16 * 1024), /at most 16384 bytes/],
    ['more than 16 KiB in UTF-8', jwkText(ed25519, { kid: 'é'.repeat(8200) }), /at most 16384 bytes/],
  ])

  it('accepts a text of 16 KiB', async () => {
    expect(await parseSigningKey(ed25519Pem.padEnd(16 * 1024), '')).toMatchObject({ alg: 'EdDSA' })
  })
})

describe('parseSigningKey with PEM', () => {
  refusesKeys([
    ['encrypted PKCS #8', encrypted, /must not be encrypted.*openssl pkey/],
    [
      'encrypted PKCS #1',
      openssl('rsa -traditional -aes256 -passout pass:secret', rsaPem),
      /must not be encrypted.*openssl pkey/,
    ],
    ['encrypted PKCS #8 with the label of a private key', pemOf('PRIVATE KEY', derOf(encrypted)), /damaged/],
    ['a public key', openssl('pkey -pubout', p256Pem), /not a public key/],
    ['a public key in PKCS #1', openssl('rsa -RSAPublicKey_out', rsaPem), /not a public key/],
    [
      'a public key with the label of a private key',
      pemOf('PRIVATE KEY', derOf(openssl('pkey -pubout', p256Pem))),
      /damaged/,
    ],
    ['a certificate', certificate.cert, /not a certificate/],
    ['a certificate and its key', certificate.cert + certificate.key, /only one block/],
    ['a key and its certificate', certificate.key + certificate.cert, /only one block/],
    ['two keys', ed25519Pem + p256Pem, /only one block/],
    ['parameters and a key', openssl('ecparam -name prime256v1 -genkey'), /only one block/],
    ['a key in the format of OpenSSH', ed25519Pem.replaceAll('PRIVATE', 'OPENSSH PRIVATE'), /OpenSSH.*ssh-keygen -p/],
    ['an unknown label', ed25519Pem.replaceAll('PRIVATE', 'SECRET'), /must be a private key/],
    ['the label CONSTRUCTOR', ed25519Pem.replaceAll('PRIVATE KEY', 'CONSTRUCTOR'), /must be a private key/],
    ['text before the block', `key:\n${ed25519Pem}`, /must be a JWK, or one PEM block/],
    ['text after the block', `${ed25519Pem}#`, /must be a JWK, or one PEM block/],
    ['the output of openssl pkey -text', openssl('pkey -text', ed25519Pem), /must be a JWK, or one PEM block/],
    ['no END line', ed25519Pem.replace(/-----END.*/, ''), /must be a JWK, or one PEM block/],
    [
      'an END line with another label',
      ed25519Pem.replace('END PRIVATE', 'END EC PRIVATE'),
      /must be a JWK, or one PEM block/,
    ],
    ['a repeated END line', ed25519Pem + (ed25519Pem.split('\n').at(-2) ?? ''), /damaged/],
    ['headers', ed25519Pem.replace('\n', '\nComment: mine\n\n'), /has headers/],
    ['base64url', ed25519Pem.replace(/(?<=\n.{8})./, '_'), /damaged/],
    ['base64 with too little padding', p256Pem.replace(/.(?=\n-----END)/, ''), /damaged/],
    ['a character that is not base64', p256Pem.replace(/(?<=\n.{8})/, '!'), /damaged/],
    ['no bytes', pemOf('PRIVATE KEY', Buffer.alloc(0)), /damaged/],
    ['one byte', pemOf('PRIVATE KEY', Buffer.from([0x30])), /damaged/],
    ['truncated bytes', pemOf('PRIVATE KEY', derOf(rsaPem).subarray(0, -1)), /damaged/],
    ['bytes after an Ed25519 key', pemOf('PRIVATE KEY', Buffer.concat([derOf(ed25519Pem), Buffer.of(0)])), /damaged/],
    ['bytes after a P-256 key', pemOf('PRIVATE KEY', Buffer.concat([derOf(p256Pem), Buffer.of(0)])), /damaged/],
    ['bytes after an RSA key', pemOf('PRIVATE KEY', Buffer.concat([derOf(rsaPem), Buffer.of(0)])), /damaged/],
    [
      'an Ed25519 key with a public half',
      pemOf('PRIVATE KEY', withPublicHalf(ed25519Pem)),
      /contain only an Ed25519 key/,
    ],
    ['a SEQUENCE that is no key', pemOf('PRIVATE KEY', Buffer.of(0x30, 3, 2, 1, 0)), /damaged/],
  ])
})

describe('parseSigningKey with an unsupported key', () => {
  refusesKeys([
    ['P-384 as PEM', generated('P-384'), /curve of the key is not supported/],
    ['P-521 as PEM', generated('P-521'), /curve of the key is not supported/],
    ['secp256k1 as PEM', generated('secp256k1'), /curve of the key is not supported/],
    ['a curve that JOSE has no name for', generated('brainpoolP256r1'), /curve of the key is not supported/],
    ['secp256k1 in SEC 1', openssl('ecparam -name secp256k1 -genkey -noout'), /curve of the key is not supported/],
    ['Ed448 as PEM', opensslKey('ED448'), /type of the key is not supported/],
    ['X25519 as PEM', opensslKey('X25519'), /type of the key is not supported/],
    ['X448 as PEM', opensslKey('X448'), /type of the key is not supported/],
    ['ML-DSA as PEM', opensslKey('ML-DSA-44'), /type of the key is not supported/],
    ['RSA-PSS as PEM', opensslKey('RSA-PSS', 'rsa_keygen_bits:2048'), /must not be an RSA-PSS key/],
    ['RSA of 1024 bits', opensslKey('RSA', 'rsa_keygen_bits:1024'), /2048 to 4096 bits, not 1024/],
    ['RSA of 2047 bits', opensslKey('RSA', 'rsa_keygen_bits:2047'), /bits, not 2047/],
    ['RSA of 4097 bits', jwkText(rsa, { n: memberOf(2n ** 4096n + 1n) }), /bits, not 4097/],
    ['RSA with the exponent 3', opensslKey('RSA', 'rsa_keygen_bits:2048', 'rsa_keygen_pubexp:3'), /exponent/],
    [
      'RSA of three primes as PEM',
      opensslKey('RSA', 'rsa_keygen_bits:3072', 'rsa_keygen_primes:3'),
      /belong together, or it has more than two primes/,
    ],
    ['RSA of three primes as a JWK', jwkText(rsa, { oth: [{ r: 'AQ', d: 'AQ', t: 'AQ' }] }), /exactly two primes/],
    ['P-384 as a JWK', jwkText(membersOf(generated('P-384'))), /curve of the key is not supported/],
    ['secp256k1 as a JWK', jwkText(membersOf(generated('secp256k1'))), /curve of the key is not supported/],
    ['X25519 as a JWK', jwkText(membersOf(opensslKey('X25519'))), /curve of the key is not supported/],
    ['Ed448 as a JWK', jwkText(membersOf(opensslKey('ED448'))), /curve of the key is not supported/],
    ['Ed25519 as EC', jwkText(p256, { crv: 'Ed25519' }), /curve of the key is not supported/],
    ['P-256 as OKP', jwkText(ed25519, { crv: 'P-256' }), /curve of the key is not supported/],
    ['no curve', jwkText(p256, { crv: undefined }), /curve of the key is not supported/],
    ['a symmetric JWK', jwkText({ kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ', d: 'AQ' }), /symmetric/],
    ['AKP', jwkText({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AQ', priv: 'AQ', d: 'AQ' }), /kty of the JWK/],
    ['no kty', jwkText(ed25519, { kty: undefined }), /kty of the JWK/],
    ['a kty that is no string', jwkText(ed25519, { kty: ['OKP'] }), /kty of the JWK/],
    ['the kty "constructor"', jwkText(ed25519, { kty: 'constructor' }), /kty of the JWK/],
  ])
})
