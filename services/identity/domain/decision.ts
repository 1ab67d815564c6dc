import type { AgentStatus } from '../../../gen/prisma/enums.ts'

/** The state of an agent that the rules depend on. */
export interface AgentState {
  readonly status: AgentStatus
  readonly allowedScopes: readonly string[]
  readonly label: string
  readonly requireBoundChallenges: boolean
  readonly maxDelegationDepth: number
  readonly redirectUris: readonly string[]
}

/** New values for some of an agent's columns; null removes a time. */
interface AgentPatch {
  readonly status?: AgentStatus
  readonly allowedScopes?: string[]
  readonly label?: string
  readonly requireBoundChallenges?: boolean
  readonly maxDelegationDepth?: number
  readonly redirectUris?: string[]
  readonly expiresAt?: null
  readonly approvedAt?: Date
  readonly suspendedAt?: Date | null
  readonly revokedAt?: Date
}

/**
 * What a rule decides about a requested change of an agent. `already`: the agent is already in the requested state.
 * `change`: the new values, and whether the change ends the agent's outstanding tokens by raising its epoch. To refuse
 * a change, a rule throws an ApiError.
 */
export type ChangeDecision =
  | { readonly kind: 'already' }
  | { readonly kind: 'change'; readonly patch: AgentPatch; readonly endsTokens: boolean }

/** The decision to leave an agent as it is. */
export const already: ChangeDecision = { kind: 'already' }
