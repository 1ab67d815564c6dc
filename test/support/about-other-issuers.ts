import type { Verdict } from '@auth4agent/core/token/verdicts'

/**
 * Verdicts about tokens of other issuers. VerifyToken and the offline verifier judge only tokens of one issuer, so
 * they never give them.
 */
export const ABOUT_OTHER_ISSUERS: readonly Verdict[] = [
  'ISSUER_NOT_TRUSTED',
  'ISSUER_KEYS_UNAVAILABLE',
  'ISSUER_REVOCATIONS_STALE',
  'SUBJECT_OUTSIDE_NAMESPACE',
  'TRUST_NOT_FOUND',
  'LIFETIME_TOO_LONG',
]
