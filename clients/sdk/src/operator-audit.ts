import { isUuid } from '@auth4agent/core/encoding/uuid'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { Caller } from './caller.ts'
import * as answers from './operator-answers.ts'
import { items, queryOf } from './pages.ts'

/** Which audit records to list. A record must match all members. Times are RFC 3339. */
export interface AuditFilter {
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly outcome?: 'done' | 'refused' | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly pageSize?: number | undefined
}

/**
 * The calls for the audit of an operator.
 *
 * @example
 *
 * ```ts
 * for await (const { id, at, action, key_label } of operator.audit({ outcome: 'done' })) {
 *   console.log(at, action, key_label)
 *   const { signed_request } = await operator.audit.get(id)
 *   console.log(signed_request?.rpc)
 * }
 * ```
 */
export interface OperatorAudit {
  /** Lists audit records, newest first. Requests each page when it is needed. */
  (filter?: AuditFilter): AsyncGenerator<answers.AuditRecord, void, undefined>
  /**
   * Resolves with a record and the request that caused the change, as its caller signed it. `verifySignedRequest` of
   * `@auth4agent/core` verifies the signatures. Rejects with TypeError for an id that is not a UUID.
   */
  get(recordId: string): Promise<answers.AuditEvidence>
}

const AUDIT_NAMES: Names<AuditFilter> = {
  action: true,
  subject: true,
  outcome: true,
  since: true,
  until: true,
  pageSize: true,
}

/** Makes the calls for the audit of one operator. */
export function operatorAudit(caller: Caller, operatorId: string): OperatorAudit {
  const path = `/v1/operators/${operatorId}/audit`
  const list = (wanted: AuditFilter = {}) => {
    refuseUnknownNames('filter', wanted, AUDIT_NAMES)
    const { pageSize, ...filter } = wanted
    const query = queryOf({ ...filter, page_size: pageSize })
    return items(caller, operatorId, answers.auditRecord, { method: 'GET', path, query })
  }
  const get = async (recordId: string): Promise<answers.AuditEvidence> => {
    if (!isUuid(recordId)) throw new TypeError('The id of an audit record must be a UUID')
    return answers.readEvidence(await caller.call(operatorId, { method: 'GET', path: `${path}/${recordId}` }))
  }
  return Object.assign(list, { get })
}
