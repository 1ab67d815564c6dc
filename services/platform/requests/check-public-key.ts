import { admitPublicKey } from '@auth4agent/core/keys/ed25519'
import { ApiError } from '../errors/api-error.ts'

type KeyRefusal = Extract<ReturnType<typeof admitPublicKey>, { ok: false }>

/** What would be right, by the reason why a key is refused. */
const DEMANDS: Readonly<Record<KeyRefusal['why'], string>> = {
  length: 'must have 32 bytes: the raw Ed25519 public key, not PEM or DER',
  'not-on-curve': 'must be a point of the Ed25519 curve',
  'non-canonical': 'must be the canonical encoding of its point (RFC 8032 section 5.1.2)',
  'small-order': 'must not be a point of small order',
  'mixed-order': 'must be a point of the prime-order subgroup',
}

/**
 * Checks a raw Ed25519 public key of a registration. Returns a copy of it.
 *
 * @throws ApiError INVALID_PUBLIC_KEY
 */
export function checkPublicKey(field: string, bytes: Uint8Array): Uint8Array {
  const key = admitPublicKey(bytes)
  if (!key.ok) throw new ApiError('INVALID_PUBLIC_KEY', `${field} ${DEMANDS[key.why]}`)
  return key.raw
}
