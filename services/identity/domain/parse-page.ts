import { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parsePageSize, parsePageToken } from '../../platform/requests/page.ts'

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
  return {
    size: parsePageSize(pageSize),
    after: parsePageToken(pageToken),
    statuses: readStatuses(status),
  }
}

function readStatuses(status: string): readonly AgentStatus[] {
  const statuses = Object.values(AgentStatus)
  if (status === '') return statuses.filter((known) => known !== 'pending')
  const asked = statuses.filter((known) => known === status)
  if (asked.length === 0) throw new ApiError('INVALID_ARGUMENT', `status is none of ${statuses.join(', ')}`)
  return asked
}
