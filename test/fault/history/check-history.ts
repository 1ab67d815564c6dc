import { findMissingAudit } from './check-audit.ts'
import { findUnrecovered } from './check-recovery.ts'
import type { History } from './history.ts'
import { acknowledgedRevocations, endOfTokens, tokensOf } from './revocations.ts'

/** The numbers of events that a run must have. With fewer events, a run without violations proves nothing. */
export interface Minimums {
  /** Changes that end tokens and returned success: all of them, and those that overlapped a fault. */
  readonly revocations: number
  readonly revocationsDuringFaults: number
  /** Answered verifications: all of them, and those that overlapped a fault. */
  readonly verifications: number
  readonly verificationsDuringFaults: number
}

type Happened = Pick<History, 'operations' | 'faults'>
type Rule = (history: History) => string[]

/** The rules for every run with any fault. The function of each rule lists the violations. */
const RULES: Readonly<Record<string, Rule>> = {
  'a revocation that returned success is not lost': findLostRevocations,
  'no verification that began after a revocation returned answers valid': findStaleAnswers,
  'a suspended agent or operator gets no token': findTokensOfSuspended,
  'no challenge is redeemed twice': findDoubleRedemptions,
  'every change that returned success has its audit row': findMissingAudit,
  'the deployment recovers by itself': findUnrecovered,
  'every refusal has an explanation': findStrangeRefusals,
}

/**
 * Lists the violations in a run, each with the rule that it breaks. Returns an empty list for a good run.
 */
export function checkHistory(history: History, minimums: Minimums): string[] {
  const broken = Object.entries(RULES).flatMap(([rule, find]) => find(history).map((what) => `${rule}: ${what}`))
  return [...broken, ...findTooLittle(history, minimums)]
}

/** Counts the events of a run that Minimums limits, and the calls with an unknown outcome. */
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
 * After the recovery each verifier must have been asked about each ended token, and must have refused it. The verdict
 * for a revoked token must be TOKEN_REVOKED, because another ending could hide that its revocation was lost.
 */
function findLostRevocations(history: History): string[] {
  // Without a recovery no verifier was asked, and findUnrecovered reports that.
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
      .map(
        (verifier) =>
          `${verifier} was not seen to refuse ${what} after the recovery, although ${name} ${requestId} returned success`,
      ),
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

/**
 * Lists tokens for requests that began after a suspension had returned. Leaves out tokens that may have been issued
 * after the suspension was undone.
 */
function findTokensOfSuspended({ operations }: History): string[] {
  const tokens = tokensOf(operations)
  return acknowledgedRevocations(operations).flatMap((revocation) => {
    if (revocation.name !== 'suspend-agent' && revocation.name !== 'suspend-operator') return []
    const { undoneBy, of } = SUSPENSIONS[revocation.name]
    const undoing = operations.filter(
      ({ action, end, outcome }) =>
        action.name === undoneBy &&
        action.subject === revocation.subject &&
        // The server may execute an attempt without an answer at any later time.
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
      .map(([value, { length }]) => `${part} ${value} returned ${length} tokens`),
  )
}

/** The refusals that are expected, because clients of the load cause them. */
const EXPLAINED = new Set([
  'token CHALLENGE_USED',
  'token CHALLENGE_EXPIRED',
  'token AGENT_NOT_ACTIVE',
  'token AGENT_OPERATOR_NOT_ACTIVE',
  'challenge AGENT_NOT_ACTIVE',
  'challenge AGENT_OPERATOR_NOT_ACTIVE',
  // An earlier attempt made the change, but its answer was lost.
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

/** Tells whether a run has had enough events. */
export function isEnough(happened: Happened, minimums: Minimums): boolean {
  return findTooLittle(happened, minimums).length === 0
}

function findTooLittle(history: Happened, minimums: Minimums): string[] {
  const counts = countHistory(history)
  return Object.entries(minimums).flatMap(([name, least]) => {
    const count = counts[name as keyof Minimums]
    return count < least ? [`too little happened: ${count} ${name}, but at least ${least} are needed`] : []
  })
}
