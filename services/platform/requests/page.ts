import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ApiError } from '../errors/api-error.ts'

const DEFAULT_SIZE = 50
const MAX_SIZE = 200

/**
 * Returns the page size. Accepts 1 to 200, and replaces 0 by the default of 50.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function parsePageSize(size: number): number {
  if (size < 0 || size > MAX_SIZE) throw new ApiError('INVALID_ARGUMENT', `page_size must be between 0 and ${MAX_SIZE}`)
  return size === 0 ? DEFAULT_SIZE : size
}

/** Returns the token of the page that begins after the entry with this id. */
export function pageTokenAfter(id: string): string {
  return encodeBase64url(new TextEncoder().encode(id))
}

/**
 * Decodes a page token.
 *
 * @returns the id after which the page begins, or undefined for the first page
 * @throws ApiError INVALID_PAGE_TOKEN
 */
export function parsePageToken(token: string): string | undefined {
  if (token === '') return undefined
  const bytes = decodeBase64url(token)
  const id = bytes === undefined ? '' : new TextDecoder().decode(bytes)
  if (!isUuid(id)) throw new ApiError('INVALID_PAGE_TOKEN')
  return id
}
