import { ApiError } from '../platform/errors/api-error.ts'
import type { TokenStatus } from '../revocation/index.ts'
import { INTROSPECTION, isOfKind } from './domain/key-kinds.ts'
import type { JwtSigner } from './jwt-signer.ts'
import type { PublicSigningKey, VerificationKeys } from './verification-keys.ts'

/** Signs introspection answers. */
export interface IntrospectionSigner {
  /**
   * Signs the claims of an introspection answer as a JWT (RFC 9701 section 5), with the key that is active now. It
   * never uses a key that was marked as compromised before the call. After a rotation it may use the old key for as
   * long as the process remembers the keys, at most 10 s.
   * @throws ApiError UNAVAILABLE when no key is active, or when its private half cannot be used
   */
  sign(claims: object): Promise<string>
}

interface IntrospectionSignerDeps {
  readonly signer: Pick<JwtSigner<object>, 'sign'>
  readonly verificationKeys: Pick<VerificationKeys, 'list' | 'listNow'>
  readonly tokenStatus: Pick<TokenStatus, 'endedKeys'>
}

/** Creates the signer of introspection answers. */
export function createIntrospectionSigner(deps: IntrospectionSignerDeps): IntrospectionSigner {
  const { signer, verificationKeys, tokenStatus } = deps
  const findActive = async (keys: readonly PublicSigningKey[]): Promise<string | undefined> => {
    const kid = keys.find((key) => isOfKind(INTROSPECTION, key) && key.state === 'active')?.kid
    return kid === undefined || (await tokenStatus.endedKeys([kid])).has(kid) ? undefined : kid
  }
  return {
    async sign(claims) {
      // The keys in memory may be seconds old, so the active key may have been marked as compromised since.
      const kid =
        (await findActive(await verificationKeys.list())) ?? (await findActive(await verificationKeys.listNow()))
      if (kid === undefined) throw new ApiError('UNAVAILABLE', NO_KEY, { retryAfter: 10 })
      return signer.sign(kid, claims)
    },
  }
}

const NO_KEY = 'No key that signs introspection answers is active yet; try again later, or ask for an answer as JSON'
