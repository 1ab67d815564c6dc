import { StatusListService } from '../../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import type { RefusalCase } from '../support/refusal.ts'
import type { FieldRow } from './field-row.ts'
import { named } from './field-row.ts'

const method = StatusListService.method.getStatusList
const get = (name: string, reason: ReasonCode, edits: object): RefusalCase => ({
  name,
  method,
  reason,
  request: ({ statusListId }) => ({ id: statusListId, ...edits }),
})

/** Cases about the rules of StatusListService. */
export const statusListCases: readonly RefusalCase[] = [
  get('a list that does not exist', 'STATUS_LIST_NOT_FOUND', { id: '0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b' }),
  get('an id that is no UUID', 'STATUS_LIST_NOT_FOUND', { id: '1' }),
  get('a time in the past', 'STATUS_HISTORY_UNAVAILABLE', { time: '1686925000' }),
  get('a time that is no number', 'STATUS_HISTORY_UNAVAILABLE', { time: 'yesterday' }),
  get('an empty time', 'STATUS_HISTORY_UNAVAILABLE', { time: '' }),
]

/** One row for every field of the requests of StatusListService. */
export const statusListFieldRows: Readonly<Record<string, FieldRow>> = {
  'GetStatusListRequest.id': named('STATUS_LIST_NOT_FOUND'),
  'GetStatusListRequest.time': {
    wrong: { 'is a time': ['1686925000', 'STATUS_HISTORY_UNAVAILABLE'] },
  },
}
