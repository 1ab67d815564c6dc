import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { parseSigningKey, readPrivateJwk } from '../../../keys/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'

const WANTED = 'secret must be one private JWK of Ed25519 or P-256, as JSON text'

/**
 * Reads the private key with which this deployment follows the log of another one. Returns it as the JSON text of a
 * JWK with only the members `kty`, `crv`, `x`, `d`, and `y` for P-256.
 *
 * @throws ApiError INVALID_SIGNING_KEY. The error does not quote the text.
 */
export async function parseWatchKey(text: string): Promise<string> {
  const json = parseStrictJsonText(text.trim())
  if (!json.ok) throw new ApiError('INVALID_SIGNING_KEY', WANTED)
  const { key } = readPrivateJwk(json.value)
  if (key.kty === 'RSA') throw new ApiError('INVALID_SIGNING_KEY', WANTED)
  // Checks the numbers of the key, and that its halves belong together.
  const { secret } = await parseSigningKey(text, '')
  secret.fill(0)
  return JSON.stringify(key)
}
