import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { waitEnds } from './takeover-looks.ts'

/** The state of an operator that the decision depends on. */
interface ProvingOperator {
  readonly id: string
  readonly status: OperatorStatus
  /** End of the takeover delay; null when the operator does not wait for a takeover. */
  readonly takeoverAt: Date | null
  /** Number of looks in this wait that found only the operator's record. */
  readonly takeoverLooks: number
}

/** An operator whose record is the only one at its domain, the domain's owner, and the takeover delay. */
export interface ConfirmCase {
  readonly operator: ProvingOperator
  /** The operator that owns the domain: active, lapsed or suspended. May be `operator` itself. */
  readonly owner: ProvingOperator | undefined
  /** Unix milliseconds. */
  readonly now: number
  readonly takeoverDelayMs: number
}

/** What happens to an operator whose record is the only one at its domain. */
export type ConfirmDecision =
  /** The operator already owns the domain; nothing changes. */
  | { readonly kind: 'hold' }
  /** The operator becomes active and owns the domain. If `supersedes` is defined, that operator loses the domain. */
  | { readonly kind: 'activate'; readonly supersedes: string | undefined }
  /**
   * Another operator owns the domain, so the operator must wait until `until` (Unix milliseconds). `begins` is true
   * when this decision begins the wait.
   */
  | { readonly kind: 'wait'; readonly until: number; readonly begins: boolean }
  | { readonly kind: 'refuse'; readonly reason: 'OPERATOR_RELEASED' | 'OPERATOR_SUSPENDED' }

/** Statuses in which an operator owns its domain. At most one operator of a domain has one of these statuses. */
export const OWNER_STATUSES = ['active', 'lapsed', 'suspended'] as const satisfies readonly OperatorStatus[]

/** Returns whether an operator in this status owns its domain. */
export function isOwner({ status }: { readonly status: OperatorStatus }): boolean {
  return OWNER_STATUSES.some((owner) => owner === status)
}

/**
 * Decides what follows when an operator's record is the only one at its domain.
 *
 * A suspended owner keeps its domain, so it cannot escape the suspension by registering again with another key. A
 * lapsed owner gets the same takeover delay as an active owner, however long ago it lapsed. The reason is that an
 * attacker can predict the times of the few scheduled proofs that made the owner lapse. The times of the looks during
 * a takeover wait are unpredictable.
 */
export function decideConfirm({ operator, owner, now, takeoverDelayMs }: ConfirmCase): ConfirmDecision {
  if (operator.status === 'released') return { kind: 'refuse', reason: 'OPERATOR_RELEASED' }
  if (owner?.status === 'suspended') return { kind: 'refuse', reason: 'OPERATOR_SUSPENDED' }
  if (owner?.id === operator.id)
    return owner.status === 'active' ? { kind: 'hold' } : { kind: 'activate', supersedes: undefined }
  if (owner === undefined) return { kind: 'activate', supersedes: undefined }
  const begins = operator.takeoverAt === null
  const until = begins
    ? now + takeoverDelayMs
    : waitEnds({ takeoverAt: operator.takeoverAt.getTime(), looks: operator.takeoverLooks }, now, takeoverDelayMs)
  return now < until ? { kind: 'wait', until, begins } : { kind: 'activate', supersedes: owner.id }
}
