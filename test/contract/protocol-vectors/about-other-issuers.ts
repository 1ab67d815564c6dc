import type { Verdict } from '@auth4agent/core/token/verdicts'

/**
 * Verdicts about tokens of other issuers. The vectors are about one issuer, so they have no case for these.
 */
export const ABOUT_OTHER_ISSUERS: readonly Verdict[] = [
  'ISSUER_NOT_TRUSTED',
  'ISSUER_KEYS_UNAVAILABLE',
  'ISSUER_REVOCATIONS_STALE',
  'SUBJECT_OUTSIDE_NAMESPACE',
  'TRUST_NOT_FOUND',
  'STATUS_MISSING',
  'LIFETIME_TOO_LONG',
]
