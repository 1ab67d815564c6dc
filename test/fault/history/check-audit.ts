import type { Action, AuditRow, ChangeName, History, Operation } from './history.ts'

/** What each change is called in the audit. */
const AUDIT_ACTIONS: Readonly<Record<ChangeName, string>> = {
  'revoke-token': 'token.revoke',
  'suspend-agent': 'agent.suspend',
  'reactivate-agent': 'agent.reactivate',
  'narrow-scopes': 'agent.set-scopes',
  'widen-scopes': 'agent.set-scopes',
  'suspend-operator': 'operator.suspend',
  'reinstate-operator': 'operator.reinstate',
  'end-operator-tokens': 'operator.end-all-tokens',
}

/** What a change must have left in the audit. */
type Expected = Pick<AuditRow, 'action' | 'subject'>

/** Acknowledged changes, tokens included, whose row is not in the audit. */
export function findMissingAudit({ operations, audit }: History): string[] {
  const rows = new Map(audit.map((row) => [`${row.requestId} ${row.action}`, row]))
  const zombies = unansweredBy(operations)
  return operations.flatMap((operation) => {
    const expected = operation.outcome.kind === 'ok' ? expectedOf(operation.action) : undefined
    if (expected === undefined) return []
    const row = rows.get(`${operation.requestId} ${expected.action}`)
    if (row?.subject === expected.subject) return []
    if (row === undefined && hasBeenDoneBefore(operation, expected, zombies)) return []
    return [`${operation.action.name} ${operation.requestId} has no row ${expected.action} of ${expected.subject}`]
  })
}

function expectedOf(action: Action): Expected | undefined {
  if (action.name === 'token')
    return action.jti === undefined ? undefined : { action: 'token.issue', subject: action.jti }
  if ('subject' in action) return { action: AUDIT_ACTIONS[action.name], subject: action.subject }
  return undefined
}

/** When the first attempt without an answer began, by what it would have left. */
function unansweredBy(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const unanswered = operations.filter(({ outcome }) => outcome.kind === 'unknown')
  return Map.groupBy(unanswered, ({ action }) => {
    const expected = expectedOf(action)
    return expected === undefined ? '' : `${expected.action} ${expected.subject}`
  })
}

/** An earlier request of the same change whose answer was lost may have been carried out late: then this one found it done. */
function hasBeenDoneBefore(
  { requestId, end }: Operation,
  { action, subject }: Expected,
  zombies: ReadonlyMap<string, readonly Operation[]>,
): boolean {
  const candidates = zombies.get(`${action} ${subject}`) ?? []
  return candidates.some((zombie) => zombie.requestId !== requestId && zombie.begin < end)
}
