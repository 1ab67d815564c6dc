import { createECDH, createPrivateKey } from 'node:crypto'
import { describe } from 'vitest'
import { opensslKey } from '../../../test/support/openssl.ts'
import { jwkText, type Members, membersOf, type RefusedKey, refusesKeys } from '../../../test/support/refused-keys.ts'
import { memberOf, numberOf, rsaWithoutPrime } from '../../../test/support/rsa-numbers.ts'

const newKeys = () => ({
  ed25519: membersOf(opensslKey('ED25519')),
  p256: membersOf(opensslKey('EC', 'ec_paramgen_curve:P-256')),
  rsa: membersOf(opensslKey('RSA', 'rsa_keygen_bits:2048')),
})
const { ed25519, p256, rsa } = newKeys()
const another = newKeys()
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** Converts a JWK to PEM with Node, which does not check that the numbers belong together. */
const pemOfJwk = (jwk: Members, type: 'pkcs8' | 'sec1' | 'pkcs1') =>
  createPrivateKey({ key: { ...jwk }, format: 'jwk' })
    .export({ format: 'pem', type })
    .toString()

/** A P-256 key whose private half is above the order, so it is a second form of another key. */
function unreduced(): Members {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(Buffer.from([5]))
  const [x, y] = [ecdh.getPublicKey().subarray(1, 33), ecdh.getPublicKey().subarray(33)]
  return {
    kty: 'EC',
    crv: 'P-256',
    x: x.toString('base64url'),
    y: y.toString('base64url'),
    d: memberOf(P256_ORDER + 5n),
  }
}

/** The RSA key with another d, and with the dp and dq that match this d. */
function withExponent(d: bigint): Members {
  const of = (prime = '') => memberOf(d % (numberOf(prime) - 1n))
  return { ...rsa, d: memberOf(d), dp: of(rsa['p']), dq: of(rsa['q']) }
}

/** Returns a key in which one member is from another key. */
const mixed = (jwk: Members, other: Members, name: string) => ({ ...jwk, [name]: other[name] })

describe('parseSigningKey with parts that do not belong together', () => {
  const mismatch = /do not belong together/
  refusesKeys([
    ...['x', 'd'].map(
      (name): RefusedKey => [
        `Ed25519 with a foreign ${name}`,
        jwkText(mixed(ed25519, another.ed25519, name)),
        mismatch,
      ],
    ),
    ['Ed25519 with x of small order', jwkText(ed25519, { x: memberOf(1n << 248n) }), mismatch],
    ...['x', 'y', 'd'].map(
      (name): RefusedKey => [`P-256 with a foreign ${name}`, jwkText(mixed(p256, another.p256, name)), mismatch],
    ),
    ['P-256 with foreign x and y', jwkText(p256, { x: another.p256['x'], y: another.p256['y'] }), mismatch],
    ['P-256 with d = 0', jwkText(p256, { d: Buffer.alloc(32).toString('base64url') }), mismatch],
    ['P-256 with d above the order', jwkText(unreduced()), mismatch],
    ['P-256 with a foreign d in SEC 1', pemOfJwk(mixed(p256, another.p256, 'd'), 'sec1'), mismatch],
    ['P-256 with d above the order in PKCS #8', pemOfJwk(unreduced(), 'pkcs8'), mismatch],
    ...['n', 'd', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((name): RefusedKey[] => [
      [`RSA with a foreign ${name}`, jwkText(mixed(rsa, another.rsa, name)), mismatch],
      [`RSA with a foreign ${name} in PKCS #1`, pemOfJwk(mixed(rsa, another.rsa, name), 'pkcs1'), mismatch],
    ]),
    ['RSA with p and q exchanged', jwkText(rsa, { p: rsa['q'], q: rsa['p'] }), mismatch],
    ['RSA with p = 1', jwkText(rsa, { p: 'AQ', q: rsa['n'], dp: 'AQ', dq: rsa['d'], qi: 'AQ' }), mismatch],
    ['RSA with q = 1', jwkText(rsa, { p: rsa['n'], q: 'AQ', dp: rsa['d'], dq: 'AQ', qi: 'AQ' }), mismatch],
    [
      'RSA with a foreign d and the matching dp and dq',
      jwkText(withExponent(numberOf(another.rsa['d'] ?? ''))),
      mismatch,
    ],
    ['RSA with a p that is no prime', jwkText(rsaWithoutPrime()), mismatch],
  ])
})
