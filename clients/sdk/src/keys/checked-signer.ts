import { clientError } from '../errors.ts'
import type { OperatorSigner } from '../signer.ts'
import { platformEd25519 } from './platform.ts'
import { verifyP256 } from './verify-p256.ts'

const SIGNATURE_BYTES = 64
const checked = new WeakSet<OperatorSigner>()

/** What a signer of an algorithm must have and do. */
interface Rules {
  readonly keyBytes: number
  readonly form: string
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>
}

const ED25519: Rules = {
  keyBytes: 32,
  form: 'it must sign the message itself with pure Ed25519',
  verify: async (...signed) => (await platformEd25519()).verify(...signed),
}
const P256: Rules = {
  keyBytes: 65,
  form: 'it must sign the SHA-256 of the message with ECDSA, and return R || S',
  verify: verifyP256,
}

/**
 * Wraps a signer: `sign` verifies the first signature with the public key, and rejects with WRONG_KEY if it does not
 * fit. Without this check, the server would refuse the signature and could not name the cause. Throws TypeError if the
 * public key has the wrong length: 32 bytes for Ed25519, 65 for P-256.
 */
export function checkedSigner<S extends OperatorSigner>(signer: S): S {
  if (checked.has(signer)) return signer
  const alg: string = signer.alg ?? 'EdDSA'
  if (alg !== 'EdDSA' && alg !== 'ES256') throw new TypeError('alg must be EdDSA or ES256')
  const { keyBytes, form, verify } = alg === 'ES256' ? P256 : ED25519
  if (signer.publicKey.length !== keyBytes) throw new TypeError(`publicKey must be ${keyBytes} raw bytes`)
  const wrongKey = (what: string) => clientError('WRONG_KEY', `The signer returned ${what}: ${form}`)
  const publicKey = Uint8Array.from(signer.publicKey)
  let isKnown = false
  const result = {
    alg: signer.alg,
    publicKey,
    async sign(message: Uint8Array) {
      const signature = Uint8Array.from(await signer.sign(message))
      if (signature.length !== SIGNATURE_BYTES)
        throw wrongKey(`${signature.length} bytes instead of ${SIGNATURE_BYTES}`)
      isKnown ||= await verify(publicKey, message, signature)
      if (!isKnown) throw wrongKey('a signature that does not fit its public key')
      return signature
    },
  } as S
  checked.add(result)
  return result
}
