import { describe, expect, it } from 'vitest'
import { activateCredential, eccPair, nameOf, rsaPair } from '../../../../test/support/tpm/memory-tpm.ts'
import { makeCredential } from './make-credential.ts'

const SECRET = Buffer.from('secret of thirty-two bytes, all.')
const NAME = nameOf(Buffer.from('attestation key'))

describe.each([
  ['RSA', rsaPair()],
  ['P-256', eccPair()],
])('makeCredential for an endorsement key with %s', (_name, ek) => {
  const make = () => {
    const { credentialBlob, encryptedSeed } = makeCredential(ek.publicKey, NAME, SECRET)
    return [Buffer.from(credentialBlob), Buffer.from(encryptedSeed)] as const
  }

  it('encrypts the secret for the TPM that holds the named key', () => {
    expect(activateCredential(ek, NAME, ...make())).toEqual(SECRET)
  })

  it('encrypts nothing for a TPM with a key of another name', () => {
    const other = nameOf(Buffer.from('another key'))
    expect(() => activateCredential(ek, other, ...make())).toThrow('The credential is for another key')
  })

  it('uses another seed each time', () => {
    const [[blob, seed], [otherBlob, otherSeed]] = [make(), make()]
    expect(seed.equals(otherSeed)).toBe(false)
    expect(blob.equals(otherBlob)).toBe(false)
  })

  it('writes the sizes that a TPM expects', () => {
    const [blob, seed] = make()
    expect(blob.readUInt16BE(0)).toBe(blob.length - 2)
    expect(blob.readUInt16BE(2)).toBe(32)
    expect(seed.readUInt16BE(0)).toBe(seed.length - 2)
  })
})
