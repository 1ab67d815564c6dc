import type { Config } from '../configuration/config.ts'

/**
 * Longest age of a process's copy of the signing keys, in milliseconds. If `AUTH4AGENT_JWKS_MAX_AGE` is shorter, that
 * setting is the limit.
 */
const KEYS_MAX_AGE_MS = 10_000
/** Shortest lifetime of a token, in seconds. */
export const MIN_TOKEN_TTL_S = 30

/** Returns the longest age of this process's copy of the signing keys, in milliseconds. */
export function keysMaxAgeMs({ jwksMaxAge }: Config): number {
  return Math.min(KEYS_MAX_AGE_MS, jwksMaxAge * 1000)
}

/** Returns how long the audit is kept, in milliseconds; undefined if it is kept for good. */
export function retentionMsOf({ auditRetention }: Pick<Config, 'auditRetention'>): number | undefined {
  return auditRetention === undefined ? undefined : auditRetention * 1000
}
