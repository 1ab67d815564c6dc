import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { already, type ChangeDecision } from './decision.ts'

/** An operation on an agent's status. */
export type StatusVerb = 'approve' | 'suspend' | 'reactivate' | 'revoke'

type Refusal = 'AGENT_PENDING' | 'AGENT_NOT_PENDING' | 'AGENT_NOT_SUSPENDED' | 'AGENT_REVOKED'

/** The life cycle of an agent. `go`: the agent changes. `already`: nothing changes. Any other value is the refusal. */
const TRANSITIONS: Readonly<Record<StatusVerb, Readonly<Record<AgentStatus, 'go' | 'already' | Refusal>>>> = {
  approve: { pending: 'go', active: 'already', suspended: 'AGENT_NOT_PENDING', revoked: 'AGENT_REVOKED' },
  suspend: { pending: 'AGENT_PENDING', active: 'go', suspended: 'already', revoked: 'AGENT_REVOKED' },
  reactivate: { pending: 'AGENT_PENDING', active: 'AGENT_NOT_SUSPENDED', suspended: 'go', revoked: 'AGENT_REVOKED' },
  revoke: { pending: 'go', active: 'go', suspended: 'go', revoked: 'already' },
}

type Change = Extract<ChangeDecision, { kind: 'change' }>

/**
 * Changes that each verb makes. Reactivation ends no tokens, because the suspension ended all tokens and a suspended
 * agent gets no new ones.
 */
const EFFECTS: Readonly<Record<StatusVerb, (at: Date) => Omit<Change, 'kind'>>> = {
  approve: (at) => ({ patch: { status: 'active', approvedAt: at, expiresAt: null }, endsTokens: false }),
  suspend: (at) => ({ patch: { status: 'suspended', suspendedAt: at }, endsTokens: true }),
  reactivate: () => ({ patch: { status: 'active', suspendedAt: null }, endsTokens: false }),
  revoke: (at) => ({
    patch: { status: 'revoked', revokedAt: at, suspendedAt: null, expiresAt: null },
    endsTokens: true,
  }),
}

/**
 * Decides how a verb changes an agent of this status at this time.
 *
 * @throws ApiError AGENT_PENDING, AGENT_NOT_PENDING, AGENT_NOT_SUSPENDED, AGENT_REVOKED.
 */
export function changeStatus(status: AgentStatus, verb: StatusVerb, at: Date): ChangeDecision {
  const outcome = TRANSITIONS[verb][status]
  if (outcome === 'already') return already
  if (outcome !== 'go') throw new ApiError(outcome)
  return { kind: 'change', ...EFFECTS[verb](at) }
}
