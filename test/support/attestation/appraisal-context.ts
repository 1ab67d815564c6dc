import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { AppraisalContext, Binding } from '../../../services/attestation/types/attestor-type.ts'

/** When the tests appraise evidence, in Unix seconds. */
export const NOW_S = 1_800_000_000
const ISSUER = 'https://auth.example'
const NONCE_BYTES = Buffer.alloc(32, 'nonce')

/** Makes a context of an appraisal for an agent's raw public key. */
export function makeContext(
  publicKey: Uint8Array = Buffer.alloc(32, 1),
  binding: Partial<Binding> = {},
): AppraisalContext {
  return {
    binding: {
      publicKey,
      thumbprint: thumbprint(publicKey),
      audience: `${ISSUER}/attest/${thumbprint(publicKey)}`,
      nonce: { bytes: NONCE_BYTES, text: encodeBase64url(NONCE_BYTES) },
      ...binding,
    },
    issuer: ISSUER,
    attestorId: '0198c5f2-7d1e-7a55-9c62-3f1f5f0f6a01',
    now: NOW_S * 1_000,
    skewMs: 60_000,
  }
}
