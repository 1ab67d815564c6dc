import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { VerificationErrorOptions, VerificationReason } from './errors.ts'
import type { CoreSettings } from './options.ts'

const UNMAPPED = 'all its scopes must be in the option scopes of its issuer'

/** Why the claims are refused. */
interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
}

/**
 * Decides whether an issuer may say what a genuine token of it says: its subject, its lifetime and its scopes. Returns
 * the scopes that the token has at this service. The answer never changes for a token.
 */
export function admitClaims(
  { issuer, ownerOf, maxTokenTtlS, scopes }: CoreSettings,
  { sub, iat, exp, scope }: AccessTokenClaims,
): Refusal | { readonly effectiveScope: string } {
  const owner = ownerOf?.(sub) ?? issuer
  if (owner !== issuer) return { reason: 'SUBJECT_OUTSIDE_NAMESPACE', detail: `its domain belongs to ${owner}` }
  if (exp - iat > maxTokenTtlS) return { reason: 'LIFETIME_TOO_LONG', detail: `it must be at most ${maxTokenTtlS} s` }
  if (scopes === undefined) return { effectiveScope: scope }
  const mapped = mapScopes({ scopes }, parseScopeString(scope) ?? [])
  if (mapped === undefined) return { reason: 'TRUST_NOT_FOUND', detail: UNMAPPED }
  return { effectiveScope: mapped.join(' ') }
}
