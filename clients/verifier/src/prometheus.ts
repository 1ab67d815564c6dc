import type { IssuerMetrics, Metrics } from './metrics.ts'

type Sample = readonly [labels: string, value: number]

/**
 * Formats metrics in the text format of Prometheus, version 0.0.4. With the option `issuers`, samples have the label
 * `issuer`. It is empty for tokens that were refused before their issuer was known.
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
  const { rememberedTokens, rememberedProofs, issuers, admissions } = metrics
  const parts: readonly (readonly [string, IssuerMetrics])[] =
    issuers === undefined
      ? [['', metrics]]
      : Object.entries(issuers).map(([issuer, part]) => [`issuer="${issuer}"`, part] as const)
  const gauge = (name: string, help: string, value: (part: IssuerMetrics) => number | undefined) =>
    family(
      name,
      'gauge',
      help,
      parts.flatMap(([label, part]) => sampleOf(label, value(part))),
    )
  const outcomes = parts.flatMap(([label, { verifications }]) => countsOf(label, verifications))
  const others = issuers === undefined ? [] : countsOf('issuer=""', withoutIssuer(metrics, Object.values(issuers)))
  return [
    ...gauge('staleness_seconds', 'Age of the knowledge of revocations', (part) => part.stalenessSeconds),
    ...gauge('revocations', 'Known revocations', (part) => part.records),
    ...gauge('keys', 'Public keys of the issuer', (part) => part.keys),
    ...gauge('keys_age_seconds', 'Time since the keys were fetched', (part) => part.keysAgeSeconds),
    ...family('remembered_tokens', 'gauge', 'Tokens whose signature is not verified again', [['', rememberedTokens]]),
    ...family('remembered_proofs', 'gauge', 'Used DPoP proofs in memory', sampleOf('', rememberedProofs)),
    ...family('admissions', 'gauge', 'Operators of other deployments that may call', sampleOf('', admissions?.count)),
    ...family('admissions_age_seconds', 'gauge', 'Time since they were read', sampleOf('', admissions?.ageSeconds)),
    ...family(
      'questions_total',
      'counter',
      'Tokens that the server was asked about',
      sampleOf('', admissions?.questions),
    ),
    ...family('verifications_total', 'counter', 'Verifications by outcome', [...outcomes, ...others]),
    '',
  ].join('\n')
}

function sampleOf(label: string, value: number | undefined): Sample[] {
  return value === undefined ? [] : [[label, value]]
}

function countsOf(label: string, counts: Metrics['verifications']): Sample[] {
  const before = label === '' ? '' : `${label},`
  return Object.entries(counts).map(([reason, count]) => [`${before}reason="${reason}"`, count])
}

/** Counts what was refused before the issuer was known. */
function withoutIssuer({ verifications }: Metrics, issuers: readonly IssuerMetrics[]): Metrics['verifications'] {
  const rest = Object.entries(verifications).map(([reason, count]) => {
    const known = issuers.map((part) => Object.entries(part.verifications).find(([name]) => name === reason)?.[1] ?? 0)
    return [reason, known.reduce((left, each) => left - each, count)] as const
  })
  return Object.fromEntries(rest.filter(([, count]) => count > 0))
}

/** Formats the samples of one name. Without samples, the name is left out. */
function family(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  if (samples.length === 0) return []
  const full = `auth4agent_verifier_${name}`
  const lines = samples.map(
    ([labels, value]) =>
      `${full}${labels === '' ? '' : `{${labels}}`} ${value === Number.POSITIVE_INFINITY ? '+Inf' : value}`,
  )
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines]
}
