import { AgentStatus } from '../../../gen/prisma/enums.ts'
import { decodeBase64url, encodeBase64url } from '../../shared/crypto/base64.ts'
import { isUuid } from '../../shared/crypto/uuid.ts'
import { ApiError } from '../../shared/errors/api-error.ts'

const DEFAULT_SIZE = 50
const MAX_SIZE = 200

/** A part of a list of agents: those of these statuses whose id is beyond `after`, at most `size`. */
export interface AgentPage {
  readonly size: number
  readonly after: string | undefined
  readonly statuses: readonly AgentStatus[]
}

/**
 * Reads which agents to list. No status means all but pending.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN.
 */
export function parsePage(request: { pageSize: number; pageToken: string; status: string }): AgentPage {
  const { pageSize, pageToken, status } = request
  if (pageSize < 0 || pageSize > MAX_SIZE) {
    throw new ApiError('INVALID_ARGUMENT', `page_size is not between 0 and ${MAX_SIZE}`)
  }
  return {
    size: pageSize === 0 ? DEFAULT_SIZE : pageSize,
    after: pageToken === '' ? undefined : readPageToken(pageToken),
    statuses: readStatuses(status),
  }
}

/** The page token that goes on after the agent of this id. */
export function pageTokenAfter(id: string): string {
  return encodeBase64url(Buffer.from(id, 'latin1'))
}

function readPageToken(token: string): string {
  const id = Buffer.from(decodeBase64url(token) ?? []).toString('latin1')
  if (!isUuid(id)) throw new ApiError('INVALID_PAGE_TOKEN')
  return id
}

function readStatuses(status: string): readonly AgentStatus[] {
  const statuses = Object.values(AgentStatus)
  if (status === '') return statuses.filter((known) => known !== 'pending')
  const asked = statuses.filter((known) => known === status)
  if (asked.length === 0) throw new ApiError('INVALID_ARGUMENT', `status is none of ${statuses.join(', ')}`)
  return asked
}
