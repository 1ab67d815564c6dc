import type { AccessTokenClaims } from '@auth4agent/core/token/claims'

/** The claims of a token that was accepted, and the scopes that it has at this service. */
export interface VerifiedClaims extends AccessTokenClaims {
  /**
   * The scopes that the token has at this service, separated by spaces: mapped by the option `scopes` of its issuer,
   * or the same as `scope` without this option. It is not a claim. With several issuers, decide by it and never by
   * `scope`, whose meaning each issuer defines.
   */
  readonly effectiveScope: string
}
