import { ApiError } from '../../platform/errors/api-error.ts'
import { checkText } from '../../platform/requests/check-text.ts'

/** A claim that the ID token of each user must have. */
export interface RequiredClaim {
  readonly name: string
  readonly value: string
}

const MAX_CLAIMS = 8
const MAX_VALUE = 255
const CLAIM_NAME = /^[A-Za-z0-9_.-]{1,64}$/

/** Tells whether a text can name a claim. */
export function isClaimName(text: string): boolean {
  return CLAIM_NAME.test(text)
}

/**
 * Checks which of a provider's users are users of the operator. An empty list means all of them, which an operator
 * must say: some providers vouch for everybody who wants an account.
 *
 * @returns the claims in the order of their names
 * @throws ApiError INVALID_ARGUMENT
 */
export function checkRequiredClaims(claims: readonly RequiredClaim[], allUsers: boolean): readonly RequiredClaim[] {
  if (claims.length > MAX_CLAIMS) throw invalid(`required_claims must have at most ${MAX_CLAIMS} entries`)
  if (claims.length === 0 && !allUsers) throw invalid('required_claims must not be empty unless all_users is true')
  if (claims.length > 0 && allUsers) throw invalid('all_users must be false with required_claims')
  for (const { name, value } of claims) {
    if (!isClaimName(name)) throw invalid('name of a required claim must be 1 to 64 of A-Z, a-z, 0-9, _, . and -')
    if (checkText('value of a required claim', value, MAX_VALUE) === '') {
      throw invalid('value of a required claim must not be empty')
    }
  }
  if (new Set(claims.map(({ name }) => name)).size < claims.length) {
    throw invalid('required_claims must name each claim once')
  }
  return claims.map(({ name, value }) => ({ name, value })).toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

/** Reads the claims of a row. */
export function readRequiredClaims(stored: unknown): readonly RequiredClaim[] {
  if (!Array.isArray(stored) || !stored.every(isRequiredClaim)) {
    throw new ApiError('INTERNAL', 'The required claims of an identity provider cannot be read')
  }
  return stored
}

function isRequiredClaim(value: unknown): value is RequiredClaim {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('value' in value)) return false
  return typeof value.name === 'string' && typeof value.value === 'string'
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
