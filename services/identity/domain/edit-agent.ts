import { isDeepStrictEqual } from 'node:util'
import { type AgentState, already, type ChangeDecision } from './decision.ts'

/** Fields that an operator may edit. An absent field keeps its value. */
export interface AgentEdit {
  readonly label?: string | undefined
  readonly requireBoundChallenges?: boolean | undefined
  readonly maxDelegationDepth?: number | undefined
  readonly redirectUris?: readonly string[] | undefined
}

/**
 * Decides how an edit changes an agent. A smaller depth ends the agent's tokens, because with them its grants end:
 * they may have been handed on more often than the agent may now. The other fields do not affect what is already
 * issued.
 */
export function editAgent(agent: AgentState, edit: AgentEdit): ChangeDecision {
  const label = edit.label ?? agent.label
  const requireBoundChallenges = edit.requireBoundChallenges ?? agent.requireBoundChallenges
  const maxDelegationDepth = edit.maxDelegationDepth ?? agent.maxDelegationDepth
  const redirectUris = [...(edit.redirectUris ?? agent.redirectUris)]
  const isSame =
    label === agent.label &&
    requireBoundChallenges === agent.requireBoundChallenges &&
    maxDelegationDepth === agent.maxDelegationDepth &&
    isDeepStrictEqual(redirectUris, [...agent.redirectUris])
  if (isSame) return already
  return {
    kind: 'change',
    patch: { label, requireBoundChallenges, maxDelegationDepth, redirectUris },
    endsTokens: maxDelegationDepth < agent.maxDelegationDepth,
  }
}
