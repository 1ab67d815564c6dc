import type { OperatorStatus } from '../../../gen/prisma/enums.ts'
import { waitEnds } from './takeover-looks.ts'

/** What the decision needs of an operator. */
interface Standing {
  readonly id: string
  readonly status: OperatorStatus
  /** The end of the delay, while the operator waits for the domain of another. */
  readonly takeoverAt: Date | null
  /** Looks of this wait that saw its record alone. */
  readonly takeoverLooks: number
}

/** What a domain and one of its operators stand at, and the rule of the deployment. */
export interface ConfirmCase {
  readonly operator: Standing
  /** The operator that owns the domain: active, lapsed or suspended. May be `operator` itself. */
  readonly owner: Standing | undefined
  /** Unix milliseconds. */
  readonly now: number
  readonly takeoverDelayMs: number
}

/** What becomes of an operator whose proof stands alone. */
export type ConfirmDecision =
  /** It owns the domain already. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'activate'; readonly supersedes: string | undefined }
  /** The present operator stands in the way until `until` (Unix milliseconds); `begins` when the wait is new. */
  | { readonly kind: 'wait'; readonly until: number; readonly begins: boolean }
  | { readonly kind: 'refuse'; readonly reason: 'OPERATOR_RELEASED' | 'OPERATOR_SUSPENDED' }

/** Statuses in which an operator owns its domain; no two of a domain are in one of them. */
export const OWNER_STATUSES = ['active', 'lapsed', 'suspended'] as const satisfies readonly OperatorStatus[]

/** Whether an operator in this status owns its domain. */
export function isOwner({ status }: { readonly status: OperatorStatus }): boolean {
  return OWNER_STATUSES.some((owner) => owner === status)
}

/**
 * Decides what a proof that stands alone does. A suspended owner keeps its domain, so that nobody leaves a suspension by
 * coming back with another key. A lapsed owner is protected like an active one, however long ago it lapsed: the few proofs
 * that made it lapse came at times that others can tell, and the looks of a wait do not.
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
