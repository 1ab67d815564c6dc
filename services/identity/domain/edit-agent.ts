import { type AgentState, already, type Decision } from './decision.ts'

/** Fields that an operator may edit. An absent field keeps its value. */
export interface AgentEdit {
  readonly label?: string | undefined
  readonly requireBoundChallenges?: boolean | undefined
}

/**
 * Decides how an edit changes an agent. No tokens end, because neither field affects tokens that are already issued.
 */
export function editAgent(agent: AgentState, edit: AgentEdit): Decision {
  const label = edit.label ?? agent.label
  const requireBoundChallenges = edit.requireBoundChallenges ?? agent.requireBoundChallenges
  if (label === agent.label && requireBoundChallenges === agent.requireBoundChallenges) return already
  return { kind: 'change', patch: { label, requireBoundChallenges }, endsTokens: false }
}
