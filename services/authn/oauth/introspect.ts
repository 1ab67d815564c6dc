import { parseAudience } from '@auth4agent/core/token/audience'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { IntrospectRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps } from '../config.ts'
import type { Subject } from '../domain/decide-issue.ts'
import { verifyGenuine } from '../verify-token.ts'
import { authenticateClient } from './open-assertion.ts'

/** The claims of an active token; undefined for every other text. `client` is the DID of the caller. */
export interface Introspection {
  readonly client: string
  readonly claims: AccessTokenClaims | undefined
}

/**
 * Introspects a token for an agent (RFC 7662). The token is active if it is genuine, within its lifetime and not
 * ended, and the agent's operator may know it.
 *
 * @throws ApiError INVALID_ARGUMENT, UNAVAILABLE, and as authenticateClient does
 */
export async function introspect(deps: AuthnDeps, request: IntrospectRequest, call: Call): Promise<Introspection> {
  if (request.token === '') throw new ApiError('INVALID_ARGUMENT', 'token must not be missing')
  const subject = await authenticateClient(deps, request, call)
  const verification = await verifyGenuine(deps, request.token, async (claims) =>
    (await mayKnow(deps, subject, claims)) ? undefined : 'AUDIENCE_MISMATCH',
  )
  return { client: subject.agent.did, claims: verification.valid ? verification.claims : undefined }
}

/**
 * Returns whether an agent's operator may know a token: it governs the token's agent, or owns one of its audiences.
 */
export async function mayKnow(
  deps: Pick<AuthnDeps, 'issuer' | 'operators'>,
  { operator }: Subject,
  claims: Pick<AccessTokenClaims, 'operator_id' | 'aud'>,
): Promise<boolean> {
  if (claims.operator_id === operator.id) return true
  for (const text of claims.aud) {
    // No operator owns the issuer, even if the issuer's host is under the domain of an operator.
    const host = text === deps.issuer ? undefined : parseAudience(text)?.host
    if (host === undefined) continue
    const { operatorId } = await deps.operators.lookupAudienceOwner({ host })
    if (operatorId === operator.id) return true
  }
  return false
}
