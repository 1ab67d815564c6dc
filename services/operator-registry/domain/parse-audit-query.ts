import type { Timestamp } from '@bufbuild/protobuf/wkt'
import type { AuditOutcome } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkText } from '../../platform/requests/check-text.ts'
import { parsePageSize, parsePageToken } from '../../platform/requests/page.ts'

/** Filters and page of a list of audit records. */
export interface AuditQuery {
  readonly limit: number
  /** Id of the last record of the previous page. */
  readonly after: string | undefined
  readonly action: string | undefined
  readonly subject: string | undefined
  readonly outcome: AuditOutcome | undefined
  readonly since: Date | undefined
  readonly until: Date | undefined
}

interface AuditRequest {
  readonly pageSize: number
  readonly pageToken: string
  readonly action: string
  readonly subject: string
  readonly outcome: string
  readonly since?: Timestamp | undefined
  readonly until?: Timestamp | undefined
}

const MAX_ACTION = 64
const MAX_SUBJECT = 512
/** Years 1 to 9999, the range of a Timestamp. */
const MIN_SECONDS = -62_135_596_800n
const MAX_SECONDS = 253_402_300_799n

/**
 * Parses the filters of a list of audit records. An empty filter matches every record.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export function parseAuditQuery(request: AuditRequest): AuditQuery {
  return {
    limit: parsePageSize(request.pageSize),
    after: parsePageToken(request.pageToken),
    action: checkText('action', request.action, MAX_ACTION) || undefined,
    subject: checkText('subject', request.subject, MAX_SUBJECT) || undefined,
    outcome: parseOutcome(request.outcome),
    since: parseTime('since', request.since),
    until: parseTime('until', request.until),
  }
}

function parseOutcome(text: string): AuditOutcome | undefined {
  if (text === '' || text === 'done' || text === 'refused') return text || undefined
  throw new ApiError('INVALID_ARGUMENT', 'outcome must be done, refused or empty')
}

function parseTime(field: string, time: Timestamp | undefined): Date | undefined {
  if (time === undefined) return undefined
  if (time.seconds < MIN_SECONDS || time.seconds > MAX_SECONDS || time.nanos < 0 || time.nanos > 999_999_999) {
    throw new ApiError('INVALID_ARGUMENT', `${field} must be a time in the years 1 to 9999`)
  }
  return new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6))
}
