/**
 * Roles that an operational key of an operator can have. Root keys have all of them.
 *
 * | role | allows |
 * |---|---|
 * | `agents.register` | registering agents as active |
 * | `agents.manage` | approving, granting scopes, editing, reactivating, moving agents; how agents enrol themselves |
 * | `agents.revoke` | suspending and revoking agents, ending tokens |
 * | `policy` | changing the operator's policy, its attestation requirements and its streams of security events |
 * | `trust` | changing which operators the operator trusts |
 * | `audit.read` | reading the audit |
 * | `keys` | recovering agents that have lost their key |
 * | `people` | deciding about providers, users, clients and consents |
 * | `approvals` | approving held requests of users |
 * | `watch` | what an API needs: following revocations, reading the operator's keys and its audiences' callers |
 */
export const OPERATOR_ROLES = [
  'agents.register',
  'agents.manage',
  'agents.revoke',
  'policy',
  'trust',
  'audit.read',
  'keys',
  'people',
  'approvals',
  'watch',
] as const

/** A role of an operational key. */
export type OperatorRole = (typeof OPERATOR_ROLES)[number]

/**
 * Tells whether a text is the name of a role. Names are case-sensitive.
 *
 * @example
 * ```ts
 * import { isOperatorRole } from '@auth4agent/core/identity/operator-roles'
 *
 * isOperatorRole('agents.manage') // true
 * isOperatorRole('root') // false
 * ```
 */
export function isOperatorRole(text: unknown): text is OperatorRole {
  return OPERATOR_ROLES.some((role) => role === text)
}

/**
 * Tells whether a value lists roles that an operational key can have: at least one, each once.
 *
 * @example
 * ```ts
 * import { areOperatorRoles } from '@auth4agent/core/identity/operator-roles'
 *
 * areOperatorRoles(['policy', 'trust']) // true
 * areOperatorRoles([]) // false
 * ```
 */
export function areOperatorRoles(value: unknown): value is OperatorRole[] {
  return Array.isArray(value) && value.length > 0 && value.every(isOperatorRole) && new Set(value).size === value.length
}
