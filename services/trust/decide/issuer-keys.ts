import type { KnownIssuer } from '../issuers/known-issuer.ts'

/** How long keys are used that could not be fetched again, in milliseconds: less where no log ends a key. */
const KEYS_AGE_MS = {
  log: 86_400_000,
  introspection: 3_600_000,
  status_list: 3_600_000,
  none: 3_600_000,
} as const
/** Tokens of an issuer whose revocations are not known live at most this long, in seconds. */
const MAX_UNKNOWN_TTL_S = 300

/**
 * Returns until when the keys of an issuer may be used, in Unix milliseconds; undefined before the first fetch. If the
 * issuer has an anchor, its trust chain must hold too.
 */
export function keysUsableUntil({
  keysAsOf,
  mode,
  validUntil = Number.POSITIVE_INFINITY,
}: Pick<KnownIssuer, 'keysAsOf' | 'mode' | 'validUntil'>): number | undefined {
  return keysAsOf === undefined ? undefined : Math.min(keysAsOf + KEYS_AGE_MS[mode], validUntil)
}

/** Tells whether the keys of an issuer are known and young enough. `nowMs` is in Unix milliseconds. */
export function hasKeys(issuer: Parameters<typeof keysUsableUntil>[0], nowMs: number): boolean {
  const until = keysUsableUntil(issuer)
  return until !== undefined && nowMs < until
}

/** Tells whether the trust chain of an issuer holds. An issuer without an anchor needs none. */
export function isAttested({ validUntil }: Pick<KnownIssuer, 'validUntil'>, nowMs: number): boolean {
  return validUntil === undefined || nowMs < validUntil
}

/** Returns how long tokens of an issuer may live, in seconds. */
export function longestTtlS({ mode, maxTokenTtlS }: Pick<KnownIssuer, 'mode' | 'maxTokenTtlS'>): number {
  return mode === 'none' ? Math.min(maxTokenTtlS, MAX_UNKNOWN_TTL_S) : maxTokenTtlS
}
