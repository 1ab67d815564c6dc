/** An assertion that a changing call uses up, in the transaction of the change. */
export interface UsedAssertion {
  readonly jti: string
  /** Unix seconds. */
  readonly expiresAt: number
}

/** Who calls, as the interceptors have established it. */
export type Principal =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'operator'
      readonly operatorId: string
      readonly assertion: UsedAssertion
    }
  | { readonly kind: 'admin'; readonly assertion: UsedAssertion }
