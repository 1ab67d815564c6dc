import { ApiError } from '../../platform/errors/api-error.ts'
import { type AgentState, already, type ChangeDecision } from './decision.ts'

/**
 * Decides how a new grant changes an agent. A pending agent becomes active; a suspended agent stays suspended. When
 * the new grant lacks a scope of the old grant, the outstanding tokens end, because any of them may have that scope.
 *
 * @param scopes a sorted set, as `parseScopeList` returns it
 * @throws ApiError AGENT_REVOKED.
 */
export function replaceScopes(agent: AgentState, scopes: readonly string[], at: Date): ChangeDecision {
  if (agent.status === 'revoked') throw new ApiError('AGENT_REVOKED')
  const granted = new Set(scopes)
  const narrows = agent.allowedScopes.some((scope) => !granted.has(scope))
  const isSame = !narrows && agent.allowedScopes.length === granted.size
  if (agent.status !== 'pending' && isSame) return already
  const approval = agent.status === 'pending' ? ({ status: 'active', approvedAt: at, expiresAt: null } as const) : {}
  return { kind: 'change', patch: { allowedScopes: [...scopes], ...approval }, endsTokens: narrows }
}
