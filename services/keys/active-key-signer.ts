import { ApiError } from '../platform/errors/api-error.ts'
import type { TokenStatus } from '../revocation/index.ts'
import { isOfKind, type KeyKind } from './domain/key-kinds.ts'
import type { JwtSigner } from './jwt-signer.ts'
import type { PublicSigningKey, VerificationKeys } from './verification-keys.ts'

/** Signs JWTs of one type with the active key of one kind. */
export interface ActiveKeySigner<Claims extends object> {
  /**
   * Signs the claims as a JWT, with the key that is active now. It never uses a key that was marked as compromised
   * before the call. After a rotation it may use the old key for as long as the process remembers the keys, at most
   * 10 s.
   * @throws ApiError UNAVAILABLE when no key is active, or when its private half cannot be used
   */
  sign(claims: Claims): Promise<string>
}

interface ActiveKeySignerOptions<Claims extends object> {
  readonly kind: KeyKind
  readonly signer: Pick<JwtSigner<Claims>, 'sign'>
  readonly verificationKeys: Pick<VerificationKeys, 'list' | 'listNow'>
  readonly tokenStatus: Pick<TokenStatus, 'endedKeys'>
  /** Detail of the error when no key is active. */
  readonly noKey: string
}

/** Creates a signer that looks for the active key at each signature. */
export function createActiveKeySigner<Claims extends object>(
  options: ActiveKeySignerOptions<Claims>,
): ActiveKeySigner<Claims> {
  const { kind, signer, verificationKeys, tokenStatus, noKey } = options
  const findActive = async (keys: readonly PublicSigningKey[]): Promise<string | undefined> => {
    const kid = keys.find((key) => isOfKind(kind, key) && key.state === 'active')?.kid
    return kid === undefined || (await tokenStatus.endedKeys([kid])).has(kid) ? undefined : kid
  }
  return {
    async sign(claims) {
      // The keys in memory may be seconds old, so the active key may have been marked as compromised since.
      const kid =
        (await findActive(await verificationKeys.list())) ?? (await findActive(await verificationKeys.listNow()))
      if (kid === undefined) throw new ApiError('UNAVAILABLE', noKey, { retryAfter: 10 })
      return signer.sign(kid, claims)
    },
  }
}
