import type { VerificationReason } from './errors.ts'

/** The outcome of a verification. */
type Outcome = VerificationReason | 'VALID'

/** The state of a verifier and its counters, for one issuer or for all together. */
export interface IssuerMetrics {
  /**
   * Age of the knowledge of revocations: Infinity before it is complete, undefined with revocations 'none'. With
   * revocations 'status-list', the age of the oldest list in use, and undefined without any. Of all issuers together,
   * the largest.
   */
  readonly stalenessSeconds: number | undefined
  /** Number of known revocations. */
  readonly records: number
  readonly keys: number
  /** Seconds since the keys were fetched, or Infinity before the first fetch. Of all issuers together, the largest. */
  readonly keysAgeSeconds: number
  /** Number of verifications by outcome since the start. */
  readonly verifications: Readonly<Partial<Record<Outcome, number>>>
}

/** The state of a verifier and its counters. */
export interface Metrics extends IssuerMetrics {
  readonly rememberedTokens: number
  /** Number of used DPoP proofs in memory, or undefined if the option `replays` is a store without `size`. */
  readonly rememberedProofs: number | undefined
  /** The part of each issuer, with the options `issuers` or `trust`. Undefined without these options. */
  readonly issuers: Readonly<Record<string, IssuerMetrics>> | undefined
  /** What is known of the operators of other deployments that may call. Undefined without `trust: 'server'`. */
  readonly admissions: AdmissionMetrics | undefined
}

/** What a verifier with `trust: 'server'` knows of the operators of other deployments that may call. */
export interface AdmissionMetrics {
  /** Number of admissions. */
  readonly count: number
  /** Age of the oldest copy of them, or Infinity if an audience has none. */
  readonly ageSeconds: number
  /** Number of tokens that the server was asked about since the start. */
  readonly questions: number
}

/** Counts outcomes. */
export interface Counts {
  add(outcome: Outcome): void
  all(): Metrics['verifications']
}

/** Makes counters that start at zero. */
export function createCounts(): Counts {
  const counts: Partial<Record<Outcome, number>> = {}
  return {
    add(outcome) {
      counts[outcome] = (counts[outcome] ?? 0) + 1
    },
    all: () => ({ ...counts }),
  }
}

/**
 * Adds the metrics of all issuers by their names. `others` counts what was refused before the issuer was known.
 */
export function sumMetrics(
  issuers: Readonly<Record<string, IssuerMetrics>>,
  others: Metrics['verifications'],
): IssuerMetrics {
  const all = Object.values(issuers)
  const ages = all.flatMap(({ stalenessSeconds }) => stalenessSeconds ?? [])
  const verifications: Record<string, number> = { ...others }
  for (const [reason, count] of all.flatMap((part) => Object.entries(part.verifications)))
    verifications[reason] = (verifications[reason] ?? 0) + count
  return {
    stalenessSeconds: ages.length === 0 ? undefined : Math.max(...ages),
    records: total(all.map(({ records }) => records)),
    keys: total(all.map(({ keys }) => keys)),
    keysAgeSeconds: Math.max(...all.map(({ keysAgeSeconds }) => keysAgeSeconds)),
    verifications,
  }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, each) => sum + each, 0)
}
