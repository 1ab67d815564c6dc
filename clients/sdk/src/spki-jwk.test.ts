import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { softPasskey } from '../../../test/support/passkeys.ts'
import { jwkFromSpki } from './spki-jwk.ts'

const ISSUER = 'https://auth.example'
const p256 = softPasskey(ISSUER)
const spkiOf = (pair: ReturnType<typeof generateKeyPairSync>) => pair.publicKey.export({ format: 'der', type: 'spki' })

describe('jwkFromSpki', () => {
  it.each(['p256', 'ed25519'] as const)('reads a key of %s', (kind) => {
    const { spki, jwk } = softPasskey(ISSUER, kind)
    expect(jwkFromSpki(spki)).toEqual(jwk)
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['one byte less', p256.spki.subarray(0, -1)],
    ['one byte more', Buffer.concat([p256.spki, Buffer.of(0)])],
    ['a point that is not on the curve', p256.spki.map((byte, at) => (at === 90 ? byte ^ 1 : byte))],
    ['the prefix of a compressed point', p256.spki.map((byte, at) => (at === 26 ? 2 : byte))],
    ['a key of P-384', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }))],
    ['a key of secp256k1', spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))],
    ['a key of X25519', spkiOf(generateKeyPairSync('x25519'))],
    ['a key of RSA', spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
  ])('refuses %s', (_name, spki) => {
    expect(jwkFromSpki(spki)).toBeUndefined()
  })
})
