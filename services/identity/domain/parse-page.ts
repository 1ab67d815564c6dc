import { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parsePageSize, parsePageToken } from '../../platform/requests/page.ts'

/** One page of a list of agents: at most `size` agents of these statuses, with ids greater than `after`. */
export interface AgentPage {
  readonly size: number
  readonly after: string | undefined
  readonly statuses: readonly AgentStatus[]
}

/**
 * Parses the size, the start and the filter of a list of agents. An empty status means every status except pending.
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
  if (asked.length === 0)
    throw new ApiError('INVALID_ARGUMENT', `status must be empty or one of ${statuses.join(', ')}`)
  return asked
}
