import { findMissingAudit } from './check-audit.ts'
import { findUnrecovered } from './check-recovery.ts'
import type { History } from './history.ts'
import { acknowledgedRevocations, endOfTokens, tokensOf } from './revocations.ts'

/** How much must have happened for a run to mean something. */
export interface Minimums {
  /** Acknowledged changes that end tokens, in all and among those that were under way during a fault. */
  readonly revocations: number
  readonly revocationsDuringFaults: number
  /** Verifications that were answered, in all and among those that were under way during a fault. */
  readonly verifications: number
  readonly verificationsDuringFaults: number
}

type Happened = Pick<History, 'operations' | 'faults'>
type Rule = (history: History) => string[]

/** What a run must keep, whatever is broken. Each rule finds what breaks it. */
const RULES: Readonly<Record<string, Rule>> = {
  'an acknowledged revocation is not lost': findLostRevocations,
  'no verification that began after a revocation was acknowledged says valid': findStaleAnswers,
  'no token for whom is suspended': findTokensOfSuspended,
  'no challenge is redeemed twice': findDoubleRedemptions,
  'every acknowledged change has its audit row': findMissingAudit,
  'the service recovers by itself': findUnrecovered,
  'no refusal that nothing explains': findStrangeRefusals,
}

/** Everything that is wrong with a run, each with the rule that it breaks; empty for a good one. */
export function checkHistory(history: History, minimums: Minimums): string[] {
  const broken = Object.entries(RULES).flatMap(([rule, find]) => find(history).map((what) => `${rule}: ${what}`))
  return [...broken, ...findTooLittle(history, minimums)]
}

/** What happened, in numbers. */
export function countHistory({ operations, faults }: Happened): Minimums & { readonly unknown: number } {
  const during = ({ begin, end }: { begin: number; end: number }) =>
    faults.some((fault) => begin < fault.end && end > fault.begin)
  const revocations = acknowledgedRevocations(operations)
  const verifications = operations.filter(({ action, outcome }) => action.name === 'verify' && outcome.kind === 'ok')
  return {
    revocations: revocations.length,
    revocationsDuringFaults: revocations.filter(({ begin, acknowledged }) => during({ begin, end: acknowledged }))
      .length,
    verifications: verifications.length,
    verificationsDuringFaults: verifications.filter(during).length,
    unknown: operations.filter(({ outcome }) => outcome.kind === 'unknown').length,
  }
}

function endsIn(history: History) {
  return endOfTokens(tokensOf(history.operations), acknowledgedRevocations(history.operations))
}

/**
 * Once all has recovered, each verifier must have been asked about each ended token, and must have refused it. A token that was
 * itself revoked must be refused for that: it may have been ended otherwise as well, which would hide that this was lost.
 */
function findLostRevocations(history: History): string[] {
  // Without a recovery nobody was asked, and that is another rule's matter.
  if (!Number.isFinite(history.recoveredAt)) return []
  const refusals = new Set<string>()
  for (const { action, outcome, begin, at } of history.operations) {
    if (action.name !== 'verify' || outcome.kind !== 'ok' || begin < history.recoveredAt) continue
    if (action.isValid === false) refusals.add(`${at} ${action.jti}`).add(`${at} ${action.jti} ${action.verdict}`)
  }
  const revocations = acknowledgedRevocations(history.operations)
  const expected = [
    ...[...endsIn(history)].map(([jti, revocation]) => ({ what: jti, revocation })),
    ...revocations
      .filter(({ name }) => name === 'revoke-token')
      .map((revocation) => ({ what: `${revocation.subject} TOKEN_REVOKED`, revocation })),
  ]
  return expected.flatMap(({ what, revocation: { name, requestId } }) =>
    history.verifiers
      .filter((verifier) => !refusals.has(`${verifier} ${what}`))
      .map((verifier) => `${verifier} was not seen to refuse ${what} in the end, after ${name} ${requestId}`),
  )
}

function findStaleAnswers(history: History): string[] {
  const ends = endsIn(history)
  return history.operations.flatMap(({ action, outcome, begin, at, requestId }) => {
    if (action.name !== 'verify' || outcome.kind !== 'ok' || action.isValid !== true) return []
    const end = ends.get(action.jti)
    if (end === undefined || begin <= end.acknowledged) return []
    const late = Math.round(begin - end.acknowledged)
    return [
      `${at} called ${action.jti} valid (${requestId}), asked ${late} ms after ${end.name} ${end.requestId} returned`,
    ]
  })
}

const SUSPENSIONS = {
  'suspend-agent': { undoneBy: 'reactivate-agent', of: 'agent' },
  'suspend-operator': { undoneBy: 'reinstate-operator', of: 'operator' },
} as const

/** A request that began after a suspension was acknowledged gets no token, unless somebody may have undone the suspension. */
function findTokensOfSuspended({ operations }: History): string[] {
  const tokens = tokensOf(operations)
  return acknowledgedRevocations(operations).flatMap((revocation) => {
    if (revocation.name !== 'suspend-agent' && revocation.name !== 'suspend-operator') return []
    const { undoneBy, of } = SUSPENSIONS[revocation.name]
    const undoing = operations.filter(
      ({ action, end, outcome }) =>
        action.name === undoneBy &&
        action.subject === revocation.subject &&
        // An attempt without an answer may be carried out at any later time.
        (outcome.kind === 'unknown' || end > revocation.begin),
    )
    return tokens
      .filter((token) => token[of] === revocation.subject && token.begin > revocation.acknowledged)
      .filter((token) => !undoing.some(({ begin }) => begin < token.end))
      .map(({ jti }) => `${jti} was issued after ${revocation.name} ${revocation.requestId} had returned`)
  })
}

function findDoubleRedemptions({ operations }: History): string[] {
  const redeemed = operations.flatMap(({ action, outcome }) =>
    action.name === 'token' && outcome.kind === 'ok' ? [action] : [],
  )
  return (['challenge', 'jti'] as const).flatMap((part) =>
    [...Map.groupBy(redeemed, (action) => action[part])]
      .filter(([, group]) => group.length > 1)
      .map(([value, { length }]) => `${part} ${value} gave ${length} tokens`),
  )
}

/** Refusals that a load may meet, beside those of redeeming; each follows from what its clients do. */
const EXPLAINED = new Set([
  'token CHALLENGE_USED',
  'token CHALLENGE_EXPIRED',
  'token AGENT_NOT_ACTIVE',
  'token AGENT_OPERATOR_NOT_ACTIVE',
  'challenge AGENT_NOT_ACTIVE',
  'challenge AGENT_OPERATOR_NOT_ACTIVE',
  // An attempt whose answer was lost has done it.
  'reactivate-agent AGENT_NOT_SUSPENDED',
  'reinstate-operator OPERATOR_NOT_SUSPENDED',
])

function findStrangeRefusals({ operations }: History): string[] {
  return operations.flatMap(({ action, outcome, at, requestId }) =>
    outcome.kind === 'refused' && !EXPLAINED.has(`${action.name} ${outcome.reason}`)
      ? [`${at} refused ${action.name} ${requestId}: ${outcome.reason}`]
      : [],
  )
}

/** Whether as much has happened as a run needs. */
export function isEnough(happened: Happened, minimums: Minimums): boolean {
  return findTooLittle(happened, minimums).length === 0
}

function findTooLittle(history: Happened, minimums: Minimums): string[] {
  const counts = countHistory(history)
  return Object.entries(minimums).flatMap(([name, least]) => {
    const count = counts[name as keyof Minimums]
    return count < least ? [`too little happened: ${count} ${name}, at least ${least} are needed`] : []
  })
}
