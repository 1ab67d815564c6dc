import { describe, expect, it } from 'vitest'
import { admitPublicKey, importPublicKey, verify } from '../../services/shared/crypto/ed25519.ts'
import vectors from '../vectors/ed25519-signatures.json' with { type: 'json' }

/** What the server decides about a signature: the key is admitted at registration and only then used to verify. */
function isAccepted(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const admission = admitPublicKey(publicKey)
  const key = admission.ok ? importPublicKey(admission.raw) : undefined
  return key !== undefined && verify(key, message, signature)
}

describe('Ed25519 vectors of Wycheproof and speccheck', () => {
  it('has all of them', () => {
    expect(vectors.cases).toHaveLength(vectors.count)
    expect(vectors.count).toBeGreaterThanOrEqual(163)
  })

  it.each(vectors.cases)('$id is $expect: $why', ({ pk, msg, sig, expect: verdict }) => {
    const accepted = isAccepted(Buffer.from(pk, 'hex'), Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
    expect([accepted ? 'valid' : 'invalid', 'either']).toContain(verdict)
  })
})
