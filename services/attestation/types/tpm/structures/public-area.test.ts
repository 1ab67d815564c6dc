import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type PublicFields, publicArea, sized, u16 } from '../../../../../test/support/tpm/encode.ts'
import {
  AK_ATTRIBUTES,
  akArea,
  eccPair,
  nameOf,
  RSASSA,
  rsaPair,
  SHA256,
} from '../../../../../test/support/tpm/memory-tpm.ts'
import { RefusedEvidence } from '../../attestor-type.ts'
import { padCoordinate, readPublicArea } from './public-area.ts'

const ECC = eccPair().publicKey
const RSA = rsaPair().publicKey
const read = (bytes: Uint8Array) => readPublicArea(bytes, 'ak_public')
const area = (fields: Partial<PublicFields> = {}) => publicArea({ key: ECC, attributes: AK_ATTRIBUTES, ...fields })
const rsa = (fields: Partial<PublicFields> = {}) => area({ key: RSA, ...fields })
/** Replaces bytes counted from the end. */
const patch = (bytes: Buffer, fromEnd: number, change: Buffer) => {
  const copy = Buffer.from(bytes)
  change.copy(copy, copy.length - fromEnd)
  return copy
}

describe('readPublicArea', () => {
  it('reads a key with P-256 and its name', () => {
    const { key, ...others } = read(sized(akArea(ECC)))
    expect(key.equals(ECC)).toBe(true)
    expect(others).toEqual({
      name: nameOf(akArea(ECC)),
      attributes: AK_ATTRIBUTES,
      symmetric: undefined,
      scheme: { algorithm: 0x18, hash: SHA256 },
    })
  })

  it('reads a key with RSA, whose exponent may be the default', () => {
    expect(read(sized(rsa())).key.equals(RSA)).toBe(true)
    expect(read(sized(rsa({ exponent: 65_537, scheme: [RSASSA, SHA256] }))).scheme).toEqual({
      algorithm: RSASSA,
      hash: SHA256,
    })
  })

  it('reads coordinates without their leading zeros', () => {
    expect(padCoordinate(Buffer.of(1, 2))).toEqual(Buffer.concat([Buffer.alloc(30), Buffer.of(1, 2)]))
  })

  it.each<[string, Buffer, string]>([
    ['no bytes', Buffer.alloc(0), 'ak_public must not end inside a field'],
    ['a TPMT_PUBLIC without size', akArea(ECC), 'ak_public must not'],
    ['a cut public area', sized(akArea(ECC)).subarray(0, -1), 'ak_public must not end inside a field'],
    ['a public area that is cut inside its size', sized(akArea(ECC).subarray(0, -1)), 'must not end inside a field'],
    ['bytes after the size', Buffer.concat([sized(akArea(ECC)), Buffer.of(0)]), 'must not have 1 bytes after its end'],
    ['bytes inside the size', sized(Buffer.concat([akArea(ECC), Buffer.of(0)])), 'must not have 1 bytes after its end'],
    ['a keyed hash', sized(Buffer.concat([u16(8), akArea(ECC).subarray(2)])), 'must be a key for RSA or ECC'],
    ['a name with SHA-1', sized(area({ nameAlgorithm: 4 })), 'must have a name that is made with SHA-256'],
    ['a name with SHA-384', sized(area({ nameAlgorithm: 12 })), 'must have a name that is made with SHA-256'],
    ['ECDAA', sized(area({ scheme: [0x1a, SHA256] })), 'must have no scheme, or RSASSA, RSAPSS or ECDSA'],
    ['P-384', sized(area({ curve: 4 })), 'must use the curve P-256'],
    ['a key derivation', sized(area({ keyDerivation: 0x20 })), 'must have no key derivation scheme'],
    [
      'a point that is not on the curve',
      sized(patch(area(), 1, Buffer.of(1))),
      'must contain a key that OpenSSL accepts',
    ],
    ['the exponent 3', sized(rsa({ exponent: 3 })), 'must have the exponent 65537'],
    ['RSA of 1024 bits', sized(area({ key: shortRsa() })), 'must have a modulus of 2048, 3072, 4096 bits'],
    [
      'a modulus that begins with 0',
      sized(patch(rsa(), 256, Buffer.of(0))),
      'must have a modulus of exactly 2048 bits',
    ],
    [
      'an empty modulus',
      sized(Buffer.concat([rsa().subarray(0, -258), u16(0)])),
      'must have a modulus of exactly 2048',
    ],
    [
      'a modulus that is too long',
      sized(patch(rsa(), 258, u16(257))),
      'must not contain a field of 257 bytes where 256',
    ],
    ['a modulus of half the size', sized(halfModulus()), 'must have a modulus of exactly 2048 bits'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => read(bytes)).toThrow(message)
    expect(() => read(bytes)).toThrow(RefusedEvidence)
  })
})

/** A modulus of 1024 bits, said to have 2048. */
function halfModulus() {
  return Buffer.concat([rsa().subarray(0, -258), u16(128), Buffer.alloc(128, 0xff)])
}

function shortRsa() {
  return generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
}
