import { clientError } from '../errors.ts'
import type { Signer } from '../signer.ts'
import { platformEd25519 } from './platform.ts'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const checked = new WeakSet<Signer>()

/**
 * Returns the signer, with a check of its first signature against its public key. A server would only say that the
 * signature is wrong, and not why. Throws TypeError if the public key does not have 32 bytes. `sign` rejects with
 * WRONG_KEY.
 */
export function checkedSigner(signer: Signer): Signer {
  if (checked.has(signer)) return signer
  if (signer.publicKey.length !== KEY_BYTES) throw new TypeError(`publicKey must be ${KEY_BYTES} raw bytes`)
  const publicKey = Uint8Array.from(signer.publicKey)
  let isKnown = false
  const result: Signer = {
    publicKey,
    async sign(message) {
      const signature = Uint8Array.from(await signer.sign(message))
      if (signature.length !== SIGNATURE_BYTES)
        throw wrongKey(`${signature.length} bytes instead of ${SIGNATURE_BYTES}`)
      isKnown ||= await (await platformEd25519()).verify(publicKey, message, signature)
      if (!isKnown) throw wrongKey('a signature that does not fit its public key')
      return signature
    },
  }
  checked.add(result)
  return result
}

function wrongKey(what: string) {
  return clientError('WRONG_KEY', `The signer returned ${what}: it must sign the message itself with pure Ed25519`)
}
