import { ApiError } from '../../platform/errors/api-error.ts'

/** The second half of many error details. It says which keys can sign tokens. */
export const WANTED_KEY = 'give an Ed25519 key, an EC key on P-256 or an RSA key of 2048 to 4096 bits'

/** Creates the error for a text that is not a usable signing key. `detail` must not quote any part of the text. */
export function invalidKey(detail: string): ApiError {
  return new ApiError('INVALID_SIGNING_KEY', detail)
}

/** Creates the error for a key on an unsupported curve. */
export function otherCurve(): ApiError {
  return invalidKey(`The curve of the key is not supported; ${WANTED_KEY}`)
}
