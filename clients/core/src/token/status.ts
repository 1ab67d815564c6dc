import { isJsonObject } from '../encoding/strict-json.ts'

/** The place of a token in a status list of its issuer (draft-ietf-oauth-status-list-21 section 6). */
export interface TokenStatus {
  readonly status_list: StatusListReference
}

/** A place in a status list. */
export interface StatusListReference {
  /** Index of the token in the list. */
  readonly idx: number
  /** The address of the list, which is also its `sub`. */
  readonly uri: string
}

const MAX_INDEX = 2_147_483_647
const LIST_ID = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Returns what the addresses of all status lists of a deployment begin with.
 *
 * @example
 * ```ts
 * import { statusListBase } from '@auth4agent/core/token/status'
 *
 * statusListBase('https://auth.example') // 'https://auth.example/v1/status-lists/'
 * ```
 */
export function statusListBase(issuer: string): string {
  return `${issuer}/v1/status-lists/`
}

/**
 * Tells whether a value is the claim `status` of a token of a deployment. It must be a place in a status list of the
 * token's own issuer, so that no token makes a verifier fetch another address. No other member is accepted, because
 * this version cannot enforce another status mechanism.
 *
 * @param issuer the claim `iss` of the token
 * @example
 * ```ts
 * import { isTokenStatus } from '@auth4agent/core/token/status'
 *
 * const uri = 'https://auth.example/v1/status-lists/7'
 * isTokenStatus({ status_list: { idx: 0, uri } }, 'https://auth.example') // true
 * ```
 */
export function isTokenStatus(value: unknown, issuer: string): value is TokenStatus {
  if (!isJsonObject(value) || Object.keys(value).length !== 1) return false
  const { status_list: place } = value
  if (!isJsonObject(place) || Object.keys(place).length !== 2) return false
  const { idx, uri } = place
  const base = statusListBase(issuer)
  return isListIndex(idx) && typeof uri === 'string' && uri.startsWith(base) && LIST_ID.test(uri.slice(base.length))
}

/**
 * Tells whether a value is an index of a status list: an integer from 0 to 2^31 - 1.
 *
 * @example
 * ```ts
 * import { isListIndex } from '@auth4agent/core/token/status'
 *
 * isListIndex(0) // true
 * isListIndex(-1) // false
 * ```
 */
export function isListIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INDEX
}
