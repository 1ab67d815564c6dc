import { ApiError } from '../../platform/errors/api-error.ts'

/** What is asked of whoever brings a key that cannot sign tokens. */
export const WANTED_KEY = 'Give an Ed25519 key, an EC key on P-256 or an RSA key of 2048 to 4096 bits'

/** Why a text is not taken for a signing key, and what to do. `detail` shows nothing of the text. */
export function invalidKey(detail: string): ApiError {
  return new ApiError('INVALID_SIGNING_KEY', detail)
}

/** The refusal of a key on a curve that no algorithm here signs on. */
export function otherCurve(): ApiError {
  return invalidKey(`The key is on another curve. ${WANTED_KEY}`)
}
