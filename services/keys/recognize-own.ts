import { timingSafeEqual } from 'node:crypto'
import type { KeyFinder, VerificationKey } from '@auth4agent/core/token/access-token'
import type { TokenSigner } from './token-signer.ts'

type Verify = VerificationKey['verify']

/**
 * Knows signatures of this process's own keys by making them again, which takes a third of what verifying does: of a text an Ed25519 key
 * makes one signature (RFC 8032 section 5.1.6). What is not that one is verified as ever.
 */
export function recognizeOwn(keys: KeyFinder, signer: Pick<TokenSigner, 'signAgain'>): KeyFinder {
  /** A key that is read again keeps its function, by which others tell that it is the same. */
  const made = new WeakMap<Verify, Verify>()
  const recognizing = (key: VerificationKey | undefined): VerificationKey | undefined => {
    if (key === undefined) return undefined
    const verify = made.get(key.verify) ?? recognizeOrVerify(key, signer)
    made.set(key.verify, verify)
    return { ...key, verify }
  }
  return {
    find: async (kid) => recognizing(await keys.find(kid)),
    findNow: async (kid) => recognizing(await keys.findNow(kid)),
  }
}

function recognizeOrVerify({ kid, verify }: VerificationKey, signer: Pick<TokenSigner, 'signAgain'>): Verify {
  return (signingInput, signature) => {
    const own = signer.signAgain(kid)?.(signingInput)
    if (own === undefined) return verify(signingInput, signature)
    const isOwn = own.length === signature.length && timingSafeEqual(own, signature)
    // The text is a stranger's, and its signature would make a token of it.
    own.fill(0)
    return isOwn || verify(signingInput, signature)
  }
}
