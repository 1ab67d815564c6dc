import type { Action, AuditRow, ChangeName, History, Operation } from './history.ts'

/** The action of each change in the audit. */
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

/** The audit row that a change must have. */
type Expected = Pick<AuditRow, 'action' | 'subject'>

/** Lists changes that returned success, and issued tokens, without their audit row. */
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

/** Groups the attempts without an answer by the audit row that they would leave. */
function unansweredBy(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const unanswered = operations.filter(({ outcome }) => outcome.kind === 'unknown')
  return Map.groupBy(unanswered, ({ action }) => {
    const expected = expectedOf(action)
    return expected === undefined ? '' : `${expected.action} ${expected.subject}`
  })
}

/**
 * Tells whether an earlier attempt without an answer may have made the change. In that case, the later request changed
 * nothing and left no row.
 */
function hasBeenDoneBefore(
  { requestId, end }: Operation,
  { action, subject }: Expected,
  zombies: ReadonlyMap<string, readonly Operation[]>,
): boolean {
  const candidates = zombies.get(`${action} ${subject}`) ?? []
  return candidates.some((zombie) => zombie.requestId !== requestId && zombie.begin < end)
}
