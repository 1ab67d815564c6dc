import { describe, expect, it } from 'vitest'
import { sized, u16 } from '../../../../../test/support/tpm/encode.ts'
import {
  ECDSA,
  eccPair,
  RSAPSS,
  RSASSA,
  rsaPair,
  SHA256,
  signQuote,
  signRsa,
} from '../../../../../test/support/tpm/memory-tpm.ts'
import { readSignature, verifySignature } from './signature.ts'

const MESSAGE = Buffer.from('message')
const ECC = eccPair()
const RSA = rsaPair()
const ecdsa = signQuote(MESSAGE, ECC)

describe('readSignature', () => {
  it.each([
    ['RSASSA', RSA, signRsa(MESSAGE, RSA, RSASSA)],
    ['RSAPSS', RSA, signRsa(MESSAGE, RSA, RSAPSS)],
    ['ECDSA', ECC, ecdsa],
  ])('reads a signature with %s that verifies for its message only', (_name, { publicKey }, bytes) => {
    const signature = readSignature(bytes)
    expect(verifySignature(publicKey, signature, MESSAGE)).toBe(true)
    expect(verifySignature(publicKey, signature, Buffer.from('messagf'))).toBe(false)
  })

  it('pads numbers whose leading zeros a TPM has left out', () => {
    const short = Buffer.concat([u16(ECDSA, SHA256), sized(Buffer.of(1)), sized(Buffer.of(2, 3))])
    const expected = Buffer.concat([Buffer.alloc(31), Buffer.of(1), Buffer.alloc(30), Buffer.of(2, 3)])
    expect(readSignature(short).bytes).toEqual(expected)
    expect(verifySignature(ECC.publicKey, readSignature(short), MESSAGE)).toBe(false)
  })

  it.each<[string, Buffer, string]>([
    ['no bytes', Buffer.alloc(0), 'signature must not end inside a field'],
    ['SHA-1', signQuote(MESSAGE, ECC, ECDSA, 4), 'signature must use SHA-256'],
    ['an HMAC', signQuote(MESSAGE, ECC, 5), 'signature must use RSASSA, RSAPSS or ECDSA'],
    ['ECDAA', signQuote(MESSAGE, ECC, 0x1a), 'signature must use RSASSA, RSAPSS or ECDSA'],
    ['numbers of 33 bytes', Buffer.concat([u16(ECDSA, SHA256), sized(Buffer.alloc(33))]), 'of 33 bytes where 32'],
    ['513 bytes of RSA', Buffer.concat([u16(RSASSA, SHA256), sized(Buffer.alloc(513))]), 'of 513 bytes where 512'],
    ['bytes after the end', Buffer.concat([ecdsa, Buffer.of(0)]), 'signature must not have 1 bytes after its end'],
    ['a cut end', ecdsa.subarray(0, -1), 'signature must not end inside a field'],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => readSignature(bytes)).toThrow(message)
  })
})
