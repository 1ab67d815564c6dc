import { createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { oid, sequence } from '../../../../../test/support/attestation/der.ts'
import { keyPair } from '../../../../../test/support/attestation/make-certificate.ts'
import { readPublicKey } from './algorithms.ts'
import { readDer } from './der.ts'

const spkiOf = (kind: 'P-256' | 'P-384' | 'Ed25519' | 'RSA-2048') =>
  keyPair(kind, 'key').publicKey.export({ type: 'spki', format: 'der' })
const read = (spki: Uint8Array) => readPublicKey(readDer(spki))
const ed25519 = (raw: string) => Buffer.from(`302a300506032b6570032100${raw}`, 'hex')

/** A modulus of this many bits. Nobody knows its factors. */
function largeRsa(bits: number): Buffer {
  const n = Buffer.alloc(bits / 8, 0xff).toString('base64url')
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' }).export({ type: 'spki', format: 'der' })
}

/** RSA without the parameters that RFC 3279 section 2.3.1 demands: the same key in other bytes. */
function withoutParameters(): Buffer {
  const [, key] = readDer(spkiOf('RSA-2048')).children
  return sequence(sequence(oid('1.2.840.113549.1.1.1')), key?.bytes ?? Buffer.alloc(0))
}

describe('readPublicKey', () => {
  it.each([
    ['P-256', spkiOf('P-256'), 'P-256'],
    ['P-384', spkiOf('P-384'), 'P-384'],
    ['Ed25519', spkiOf('Ed25519'), 'Ed25519'],
    ['RSA of 2048 bits', spkiOf('RSA-2048'), 'RSA'],
    ['RSA of 8192 bits', largeRsa(8_192), 'RSA'],
  ])('reads %s', (_name, spki, kind) => {
    expect(read(spki).kind).toBe(kind)
  })

  it.each([
    ['RSA of 8200 bits', largeRsa(8_200)],
    ['an Ed25519 key of small order', ed25519('00'.repeat(32))],
    ['an Ed25519 key that is no point', ed25519(`02${'00'.repeat(31)}`)],
    ['RSA without parameters', withoutParameters()],
    ['bytes that are no key', Buffer.from('30030201ff', 'hex')],
  ])('refuses %s', (_name, spki) => {
    expect(() => read(spki)).toThrow('must have a key of P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits')
  })
})
