import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { MAX_TOKEN_BYTES } from '@auth4agent/core/token/claims'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The longest header and signature of a token, in base64url with the dots. */
const OTHER_PARTS = 1_024
/** Only the redemption knows the epochs of the client. No epochs make a longer token than these. */
export const LONGEST_EPOCHS = [2_147_483_647, 2_147_483_647] as const

/**
 * Checks that verifiers will not find a token too long.
 *
 * @param payload JSON text of its claims, with LONGEST_EPOCHS
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkTokenSize(payload: string): void {
  const bytes = encodeBase64url(Buffer.from(payload)).length + OTHER_PARTS
  if (bytes <= MAX_TOKEN_BYTES) return
  throw new ApiError(
    'INVALID_ARGUMENT',
    `The token must have at most ${MAX_TOKEN_BYTES} bytes, but it would have ${bytes}; ask for fewer audiences, scopes or details`,
  )
}
