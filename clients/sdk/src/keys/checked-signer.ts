import { clientError } from '../errors.ts'
import type { Signer } from '../signer.ts'
import { platformEd25519 } from './platform.ts'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const checked = new WeakSet<Signer>()

/**
 * Wraps a signer: `sign` verifies the first signature with the public key, and rejects with WRONG_KEY if it does not
 * fit. Without this check, the server would refuse the signature and could not name the cause. Throws TypeError if the
 * public key does not have 32 bytes.
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
