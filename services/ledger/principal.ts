/** The assertion of a call. A change records in its own transaction that the assertion was used. */
export interface UsedAssertion {
  readonly jti: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** The caller, as the chain has authenticated it. A caller without an assertion is `anonymous`. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'operator'
      readonly operatorId: string
      readonly assertion: UsedAssertion
    }
  | { readonly kind: 'admin'; readonly assertion: UsedAssertion }
