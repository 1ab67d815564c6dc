import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { IdentityProvider } from '../../../gen/prisma/client.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { EvidenceAlgorithm } from '../../platform/jwt/algorithms.ts'
import { chooseKey, type JwtRules, openJwt, readAscii, verifyJwt } from '../../platform/jwt/jwt.ts'
import { RefusedEvidence } from '../../platform/jwt/refused-evidence.ts'
import type { KeySource } from '../../platform/key-source/key-source.ts'

/** Dependencies of verifySignal. */
export interface VerifyDeps {
  readonly keySource: KeySource
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** One algorithm of RSA, because many providers publish RSA keys without `alg`. */
const ALGORITHMS: readonly EvidenceAlgorithm[] = ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const MAX_BYTES = 16 * 1024

/**
 * Verifies a token by the keys that the provider publishes, and reads its claims with `read`. It needs no connection
 * to the database: keys come from memory or from the provider.
 *
 * @throws ApiError SIGNAL_NOT_ACCEPTED, INVALID_SIGNATURE, UNAVAILABLE, and those of `read`
 */
export async function verifySignal<T>(
  { keySource, now }: VerifyDeps,
  { id, issuer }: Pick<IdentityProvider, 'id' | 'issuer'>,
  text: string,
  rules: Pick<JwtRules, 'name' | 'typs'>,
  read: (claims: JsonObject) => T,
): Promise<T> {
  const place = { issuer, jwksUri: undefined, algorithms: ALGORITHMS }
  const jwtRules: JwtRules = { ...rules, maxBytes: MAX_BYTES, algorithms: ALGORITHMS, kid: 'optional' }
  const ascii = refusing('SIGNAL_NOT_ACCEPTED', () => readAscii(Buffer.from(text), rules.name))
  const jwt = refusing('SIGNAL_NOT_ACCEPTED', () => openJwt(ascii, jwtRules))
  const keys = await keySource(place, jwt.jws.header.kid, { holderId: id, now: now() })
  const claims = refusing('INVALID_SIGNATURE', () => verifyJwt(jwt, chooseKey(jwt, keys)))
  return refusing('SIGNAL_NOT_ACCEPTED', () => read(claims))
}

/** Messages of RefusedEvidence contain no secret, and say what would be right. */
function refusing<T>(reason: 'SIGNAL_NOT_ACCEPTED' | 'INVALID_SIGNATURE', work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RefusedEvidence) throw new ApiError(reason, error.message)
    throw error
  }
}
