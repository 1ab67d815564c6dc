/** The assertion of a call. A change uses it up in its own transaction. */
export interface UsedAssertion {
  readonly jti: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** The caller, as the chain has authenticated it: `anonymous` without an assertion. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'operator'
      readonly operatorId: string
      readonly assertion: UsedAssertion
    }
  | { readonly kind: 'admin'; readonly assertion: UsedAssertion }
