import { signerJwk, signerKid } from '../jose/signer-jwk.ts'
import type { Capabilities } from './constraint.ts'
import type { Holder, Lifetime } from './grant-types.ts'
import { formatCapabilities } from './parse-capabilities.ts'

/** What the issuer says about an agent. Times are in Unix seconds; `publicKey` is the agent's raw Ed25519 key. */
export interface AboutHolder extends Holder, Lifetime {
  readonly issuer: string
  readonly publicKey: Uint8Array
}

/** A root grant. */
export interface RootGrant extends AboutHolder {
  readonly capabilities: Capabilities
  /** 0 if the holder may not delegate, at most 8. */
  readonly maxDepth: number
  /** The domains whose agents may hold the grants below. */
  readonly allowedDomains: readonly string[]
  /** Ids of the edges of trust through which the grant is issued; empty or absent if it needs none. */
  readonly edges?: readonly string[]
}

/**
 * Builds the claims of a root grant. It does not check them.
 *
 * @throws RangeError if the public key does not have 32 bytes.
 * @throws TypeError as `formatCapabilities`.
 * @example
 * ```ts
 * import { rootGrantClaims } from '@auth4agent/core/delegation/issuer-claims'
 *
 * const claims = rootGrantClaims({ ...holder, capabilities, maxDepth: 3, allowedDomains: ['acme.test'], jti })
 * ```
 */
export function rootGrantClaims(grant: RootGrant & { readonly jti: string }) {
  const { issuer, did, operatorId, epoch, publicKey, capabilities, maxDepth, allowedDomains, jti, iat, exp } = grant
  const { edges = [] } = grant
  return {
    iss: issuer,
    jti,
    iat,
    exp,
    sub: did,
    operator_id: operatorId,
    epoch,
    a4a_to: allowedDomains,
    cnf: { jwk: signerJwk({ publicKey }) },
    del_depth: 0,
    del_max_depth: maxDepth,
    authorization_details: formatCapabilities(capabilities),
    ...(edges.length > 0 && { edges }),
  }
}

/**
 * Builds the claims of a holder statement. It does not check them.
 *
 * @throws RangeError if the public key does not have 32 bytes.
 * @example
 * ```ts
 * import { holderStatementClaims } from '@auth4agent/core/delegation/issuer-claims'
 *
 * const claims = holderStatementClaims({ issuer, did, operatorId, epoch, publicKey, iat, exp: iat + 3_600 })
 * ```
 */
export function holderStatementClaims({ issuer, did, operatorId, epoch, publicKey, iat, exp }: AboutHolder) {
  return { iss: issuer, sub: did, operator_id: operatorId, epoch, cnf: { jkt: signerKid({ publicKey }) }, iat, exp }
}
