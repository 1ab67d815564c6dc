import { isUserSubject } from '@auth4agent/core/identity/user-subject'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { decodeToken, pageTokenAfter, parsePageSize } from '../../../platform/requests/page.ts'

const STATUSES = ['active', 'disabled'] as const

/** One page of a list of users: at most `size` users of these statuses, with subjects greater than `after`. */
export interface UserPage {
  readonly size: number
  readonly after: string | undefined
  readonly statuses: readonly (typeof STATUSES)[number][]
}

/**
 * Parses the size, the start and the filter of a list of users. An empty status means every status that is listed.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export function parseUserPage(request: { pageSize: number; pageToken: string; status: string }): UserPage {
  const { pageSize, pageToken, status } = request
  const size = parsePageSize(pageSize)
  const statuses = STATUSES.filter((each) => status === '' || status === each)
  if (statuses.length === 0) {
    throw new ApiError('INVALID_ARGUMENT', `status must be empty or one of ${STATUSES.join(', ')}`)
  }
  const after = pageToken === '' ? undefined : decodeToken(pageToken)
  if (after !== undefined && !isUserSubject(after)) throw new ApiError('INVALID_PAGE_TOKEN')
  return { size, after, statuses }
}

/** Cuts a page from its rows, which are one more than its size if another page follows. */
export function cutUserPage<Row extends { readonly subject: string }>(rows: readonly Row[], size: number) {
  const page = rows.slice(0, size)
  const last = rows.length > size ? page.at(-1) : undefined
  return { page, nextPageToken: last === undefined ? '' : pageTokenAfter(last.subject) }
}
