import { isJsonObject } from '../encoding/strict-json.ts'

/** Number of places in a status list of this deployment. */
export const STATUS_LIST_PLACES = 2 ** 20
const MAX_URI = 512

/** Where the status of a token is published: its place in a status list (Token Status List section 6.2). */
export interface TokenStatus {
  readonly status_list: StatusListReference
}

/** A place in a status list. */
export interface StatusListReference {
  readonly idx: number
  /** URL of the list, compared byte for byte with `sub` of the list. */
  readonly uri: string
}

/**
 * Tells whether a value can be the claim `status` of a token. It accepts no other member, because this version could
 * not look up another status.
 *
 * @example
 * ```ts
 * import { isTokenStatus } from '@auth4agent/core/token/token-status'
 *
 * isTokenStatus({ status_list: { idx: 7, uri: 'https://auth.example/v1/status-lists/…' } }) // true
 * ```
 */
export function isTokenStatus(value: unknown): value is TokenStatus {
  return isJsonObject(value) && Object.keys(value).length === 1 && isReference(value['status_list'])
}

function isReference(value: unknown): value is StatusListReference {
  return isJsonObject(value) && Object.keys(value).length === 2 && isIndex(value['idx']) && isUri(value['uri'])
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < STATUS_LIST_PLACES
}

function isUri(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_URI && URL.canParse(value)
}
