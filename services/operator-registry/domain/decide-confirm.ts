import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { waitEnds } from './takeover-looks.ts'

/** The state of an operator that the decision depends on. */
interface Standing {
  readonly id: string
  readonly status: OperatorStatus
  /** End of the takeover delay; null when the operator waits for no takeover. */
  readonly takeoverAt: Date | null
  /** Looks of this wait that found only its record. */
  readonly takeoverLooks: number
}

/** An operator with a proven record, its domain's owner, and the deployment's takeover delay. */
export interface ConfirmCase {
  readonly operator: Standing
  /** The operator that owns the domain: active, lapsed or suspended. May be `operator` itself. */
  readonly owner: Standing | undefined
  /** Unix milliseconds. */
  readonly now: number
  readonly takeoverDelayMs: number
}

/** What happens to an operator whose record is the only one at its domain. */
export type ConfirmDecision =
  /** It already owns the domain; nothing changes. */
  | { readonly kind: 'hold' }
  /** It becomes the owner, in place of the operator `supersedes` if there is one. */
  | { readonly kind: 'activate'; readonly supersedes: string | undefined }
  /** It must wait until `until` (Unix milliseconds): another operator owns the domain. `begins`: the wait is new. */
  | { readonly kind: 'wait'; readonly until: number; readonly begins: boolean }
  | { readonly kind: 'refuse'; readonly reason: 'OPERATOR_RELEASED' | 'OPERATOR_SUSPENDED' }

/** Statuses in which an operator owns its domain. At most one operator of a domain has one of them. */
export const OWNER_STATUSES = ['active', 'lapsed', 'suspended'] as const satisfies readonly OperatorStatus[]

/** Returns whether an operator in this status owns its domain. */
export function isOwner({ status }: { readonly status: OperatorStatus }): boolean {
  return OWNER_STATUSES.some((owner) => owner === status)
}

/**
 * Decides what follows when an operator's record is the only one at its domain.
 *
 * A suspended owner keeps its domain, so it cannot leave the suspension by registering again with another key. A
 * lapsed owner gets the same takeover delay as an active one, however long ago it lapsed. The few scheduled proofs
 * that made it lapse came at times that an attacker can predict; the looks of a takeover wait do not.
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
