import { ApiError } from '../../platform/errors/api-error.ts'
import { type AgentState, already, type Decision } from './decision.ts'

/**
 * Decides what a new grant does to an agent. Naming an agent with its scopes approves it; a suspended one stays suspended.
 * A scope taken away ends the outstanding tokens, for any of them may carry it.
 *
 * @param scopes a sorted set, as `parseScopeList` gives it
 * @throws ApiError AGENT_REVOKED.
 */
export function replaceScopes(agent: AgentState, scopes: readonly string[], at: Date): Decision {
  if (agent.status === 'revoked') throw new ApiError('AGENT_REVOKED')
  const granted = new Set(scopes)
  const narrows = agent.allowedScopes.some((scope) => !granted.has(scope))
  const isSame = !narrows && agent.allowedScopes.length === granted.size
  if (agent.status !== 'pending' && isSame) return already
  const approval = agent.status === 'pending' ? ({ status: 'active', approvedAt: at, expiresAt: null } as const) : {}
  return { kind: 'change', patch: { allowedScopes: [...scopes], ...approval }, endsTokens: narrows }
}
