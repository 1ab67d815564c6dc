import { type AgentState, already, type Decision } from './decision.ts'

/** What an operator may edit; fields that are absent stay. */
export interface AgentEdit {
  readonly label?: string | undefined
  readonly requireBoundChallenges?: boolean | undefined
}

/** Decides what an edit does. Neither field concerns tokens that were issued before, so none end. */
export function editAgent(agent: AgentState, edit: AgentEdit): Decision {
  const label = edit.label ?? agent.label
  const requireBoundChallenges = edit.requireBoundChallenges ?? agent.requireBoundChallenges
  if (label === agent.label && requireBoundChallenges === agent.requireBoundChallenges) return already
  return { kind: 'change', patch: { label, requireBoundChallenges }, endsTokens: false }
}
