import type { VerificationReason } from './errors.ts'

/** What came of verifications. */
type Outcome = VerificationReason | 'VALID'

/** How a verifier is. */
export interface Metrics {
  /** Age of what is known of revocations; Infinity while it is not whole, undefined where none are followed. */
  readonly stalenessSeconds: number | undefined
  /** How many revocations are known. */
  readonly records: number
  readonly keys: number
  /** Since the keys were fetched; Infinity before. */
  readonly keysAgeSeconds: number
  readonly rememberedTokens: number
  /** How many verifications came to what, since the beginning. */
  readonly verifications: Readonly<Partial<Record<Outcome, number>>>
}

/** Counts outcomes. */
export interface Counts {
  add(outcome: Outcome): void
  all(): Metrics['verifications']
}

/** Counts from nothing. */
export function createCounts(): Counts {
  const counts: Partial<Record<Outcome, number>> = {}
  return {
    add(outcome) {
      counts[outcome] = (counts[outcome] ?? 0) + 1
    },
    all: () => ({ ...counts }),
  }
}

/** Metrics in the text format of Prometheus, version 0.0.4. */
export function toPrometheus(metrics: Metrics): string {
  const { stalenessSeconds, verifications } = metrics
  const counts = Object.entries(verifications).map(([reason, count]) => [`{reason="${reason}"}`, count] as const)
  return [
    ...(stalenessSeconds === undefined
      ? []
      : family('staleness_seconds', 'gauge', 'Age of what is known of revocations', [['', stalenessSeconds]])),
    ...family('revocations', 'gauge', 'Revocations that are known', [['', metrics.records]]),
    ...family('keys', 'gauge', 'Public keys of the issuer', [['', metrics.keys]]),
    ...family('keys_age_seconds', 'gauge', 'Time since the keys were fetched', [['', metrics.keysAgeSeconds]]),
    ...family('remembered_tokens', 'gauge', 'Tokens whose signature need not be verified again', [
      ['', metrics.rememberedTokens],
    ]),
    ...family('verifications_total', 'counter', 'Verifications by what came of them', counts),
    '',
  ].join('\n')
}

function family(name: string, type: string, help: string, samples: readonly (readonly [string, number])[]): string[] {
  const full = `auth4agent_verifier_${name}`
  const lines = samples.map(
    ([labels, value]) => `${full}${labels} ${value === Number.POSITIVE_INFINITY ? '+Inf' : value}`,
  )
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines]
}
