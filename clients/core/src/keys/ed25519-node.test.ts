import { describe, expect, it } from 'vitest'
import { generateKeyPair, seedToPem } from './ed25519.ts'
import { createPublicKeyImporter, nodeEngine } from './ed25519-node.ts'

describe('createPublicKeyImporter', () => {
  it('returns the cached key for equal bytes', () => {
    const { publicKey } = generateKeyPair()
    expect(nodeEngine.importPublicKey(publicKey)).toBe(nodeEngine.importPublicKey(Uint8Array.from(publicKey)))
  })

  it('drops the least recently used key when the cache is full', () => {
    const importer = createPublicKeyImporter(2)
    const [a, b, c] = [generateKeyPair().publicKey, generateKeyPair().publicKey, generateKeyPair().publicKey]
    const [keyA, keyB] = [importer(a), importer(b)]
    importer(a)
    importer(c)
    expect(importer(a)).toBe(keyA)
    expect(importer(b)).not.toBe(keyB)
  })
})

describe('seedToPem', () => {
  it('writes the private key of RFC 8410 section 10.3', () => {
    const seed = Buffer.from('d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842', 'hex')
    expect(seedToPem(seed)).toBe(
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n',
    )
  })
})
