import type { VerificationReason } from './errors.ts'

/** The outcome of a verification. */
type Outcome = VerificationReason | 'VALID'

/** The state of a verifier and its counters. */
export interface Metrics {
  /** Age of the knowledge of revocations: Infinity before it is complete, undefined with revocations 'none'. */
  readonly stalenessSeconds: number | undefined
  /** Number of known revocations. */
  readonly records: number
  readonly keys: number
  /** Seconds since the keys were fetched, or Infinity before the first fetch. */
  readonly keysAgeSeconds: number
  readonly rememberedTokens: number
  /** Number of used DPoP proofs in memory, or undefined if the option `replays` is a store without `size`. */
  readonly rememberedProofs: number | undefined
  /** Number of verifications by outcome since the start. */
  readonly verifications: Readonly<Partial<Record<Outcome, number>>>
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
 * Formats metrics in the text format of Prometheus, version 0.0.4.
 *
 * @example
 *
 * ```ts
 * import { toPrometheus } from '@auth4agent/verifier'
 *
 * app.get('/metrics', (_request, response) => {
 *   response.type('text/plain').send(toPrometheus(verifier.metrics()))
 * })
 * ```
 */
export function toPrometheus(metrics: Metrics): string {
  const { stalenessSeconds, rememberedProofs, verifications } = metrics
  const counts = Object.entries(verifications).map(([reason, count]) => [`{reason="${reason}"}`, count] as const)
  return [
    ...(stalenessSeconds === undefined
      ? []
      : family('staleness_seconds', 'gauge', 'Age of the knowledge of revocations', [['', stalenessSeconds]])),
    ...family('revocations', 'gauge', 'Known revocations', [['', metrics.records]]),
    ...family('keys', 'gauge', 'Public keys of the issuer', [['', metrics.keys]]),
    ...family('keys_age_seconds', 'gauge', 'Time since the keys were fetched', [['', metrics.keysAgeSeconds]]),
    ...family('remembered_tokens', 'gauge', 'Tokens whose signature is not verified again', [
      ['', metrics.rememberedTokens],
    ]),
    ...(rememberedProofs === undefined
      ? []
      : family('remembered_proofs', 'gauge', 'Used DPoP proofs in memory', [['', rememberedProofs]])),
    ...family('verifications_total', 'counter', 'Verifications by outcome', counts),
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
