import { type Verdict, verdicts } from '@auth4agent/core/token/verdicts'
import { describe, expect, it } from 'vitest'
import { isVerdict, VerificationError, type VerificationReason } from './errors.ts'

describe('VerificationError', () => {
  it.each<VerificationReason>([
    'KEYS_UNAVAILABLE',
    'REVOCATIONS_STALE',
    'PROOFS_UNAVAILABLE',
    'VERIFIER_CLOSED',
    'ISSUER_KEYS_UNAVAILABLE',
    'ISSUER_REVOCATIONS_STALE',
  ])('is temporary for %s', (reason) => {
    expect(new VerificationError(reason).isTemporary).toBe(true)
  })

  it.each<VerificationReason>([
    'TOKEN_REVOKED',
    'ISSUER_DISABLED',
    'TRUST_ENDED',
    'ISSUER_NOT_TRUSTED',
    'TRUST_NOT_FOUND',
    'SUBJECT_OUTSIDE_NAMESPACE',
    'LIFETIME_TOO_LONG',
    'CAPABILITY_MISSING',
    'PUBLIC_URL_UNKNOWN',
  ])('is not temporary for %s', (reason) => {
    expect(new VerificationError(reason).isTemporary).toBe(false)
  })
})

describe('isVerdict', () => {
  it.each(Object.keys(verdicts) as Verdict[])('accepts %s', (verdict) => expect(isVerdict(verdict)).toBe(true))

  it.each(['KEYS_UNAVAILABLE', 'toString', '', 1, null])('refuses %j', (text) => expect(isVerdict(text)).toBe(false))
})
