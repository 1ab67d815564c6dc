import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ApiError } from '../errors/api-error.ts'

/** Sizes of the pages of most lists. */
const SIZES = { default: 50, max: 200 }

/**
 * Returns the page size. Accepts 1 to the maximum, and replaces 0 by the default.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function parsePageSize(size: number, sizes = SIZES): number {
  if (size < 0 || size > sizes.max)
    throw new ApiError('INVALID_ARGUMENT', `page_size must be between 0 and ${sizes.max}`)
  return size === 0 ? sizes.default : size
}

/** Returns the token of the page that begins after the entry with this id or number. */
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
  const id = decodeToken(token)
  if (!isUuid(id)) throw new ApiError('INVALID_PAGE_TOKEN')
  return id
}

/**
 * Decodes a page token of a list whose entries have numbers.
 *
 * @returns the number after which the page begins, or undefined for the first page
 * @throws ApiError INVALID_PAGE_TOKEN
 */
export function parseSeqToken(token: string): number | undefined {
  if (token === '') return undefined
  const seq = decodeToken(token)
  if (!/^(0|[1-9]\d{0,8})$/.test(seq)) throw new ApiError('INVALID_PAGE_TOKEN')
  return Number(seq)
}

/** A place in a list that is ordered by a time and then by an id. */
export interface TimedPlace {
  readonly at: Date
  readonly id: string
}

/** One page of a list that is ordered by a time and then by an id. */
export interface TimedPage<Row> {
  readonly rows: readonly Row[]
  /** Empty on the last page. */
  readonly nextPageToken: string
}

/** Cuts a page from its rows, which are one more than its size if another page follows. */
export function cutTimedPage<Row>(
  rows: readonly Row[],
  size: number,
  placeOf: (row: Row) => TimedPlace,
): TimedPage<Row> {
  const page = rows.slice(0, size)
  const last = rows.length > size ? page.at(-1) : undefined
  if (last === undefined) return { rows: page, nextPageToken: '' }
  const { at, id } = placeOf(last)
  return { rows: page, nextPageToken: pageTokenAfter(`${at.getTime()} ${id}`) }
}

/**
 * Decodes a page token of a list that is ordered by a time and then by an id.
 *
 * @returns the place after which the page begins, or undefined for the first page
 * @throws ApiError INVALID_PAGE_TOKEN
 */
export function parseTimedToken(token: string): TimedPlace | undefined {
  if (token === '') return undefined
  const [ms = '', id = ''] = decodeToken(token).split(' ')
  if (!/^[1-9]\d{0,14}$/.test(ms) || !isUuid(id)) throw new ApiError('INVALID_PAGE_TOKEN')
  return { at: new Date(Number(ms)), id }
}

/** Returns what is in a page token, or an empty text if it is no base64url. */
export function decodeToken(token: string): string {
  const bytes = decodeBase64url(token)
  return bytes === undefined ? '' : new TextDecoder().decode(bytes)
}
