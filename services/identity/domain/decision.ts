import type { AgentStatus } from '../../../gen/prisma/enums.ts'

/** What the rules look at in an agent. */
export interface AgentState {
  readonly status: AgentStatus
  readonly allowedScopes: readonly string[]
  readonly label: string
  readonly requireBoundChallenges: boolean
}

/** New values for some of an agent's columns; null takes a time away. */
interface AgentPatch {
  readonly status?: AgentStatus
  readonly allowedScopes?: string[]
  readonly label?: string
  readonly requireBoundChallenges?: boolean
  readonly expiresAt?: null
  readonly approvedAt?: Date
  readonly suspendedAt?: Date | null
  readonly revokedAt?: Date
}

/**
 * What a rule makes of a request to change an agent: `already` when the agent is so now, else the new values and whether
 * the agent's outstanding tokens end with it (its epoch rises). Refusals are thrown.
 */
export type Decision =
  | { readonly kind: 'already' }
  | { readonly kind: 'change'; readonly patch: AgentPatch; readonly endsTokens: boolean }

/** The decision to leave an agent as it is. */
export const already: Decision = { kind: 'already' }
