import { randomBytes } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { NONCE_BYTES } from '@auth4agent/core/identity/challenge'
import type { CreateChallengeRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { Cause } from '../platform/trace/span.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'
import { sealChallenge } from './domain/seal-challenge.ts'
import { bindingOf, parseRequestedTerms } from './domain/token-request.ts'
import { grantBindingOf } from './grants/domain/grant-request.ts'

/** A challenge and its nonce, which the agent signs together. `exp` is the challenge's expiry in Unix seconds. */
export interface CreatedChallenge {
  readonly challenge: string
  readonly nonce: string
  readonly exp: number
}

/** The dependencies of createChallenge. */
interface ChallengeDeps extends Pick<AuthnDeps, 'issuer' | 'now' | 'subjects' | 'challengeKeys'> {
  readonly settings: Pick<AuthnSettings, 'ttlS' | 'challengeTtlS'>
}

/**
 * Creates a challenge for an existing agent. The challenge contains the terms that the request asks for. The server
 * does not store it.
 *
 * @throws ApiError INVALID_DID, INVALID_SCOPE, INVALID_AUDIENCE, INVALID_TTL, AGENT_NOT_FOUND, UNAVAILABLE, and as
 *   grantBindingOf does
 */
export async function createChallenge(
  deps: ChallengeDeps,
  request: CreateChallengeRequest,
  cause: Cause,
): Promise<CreatedChallenge> {
  const subject = deps.subjects.of(request.did, cause)
  const binding = { ...bindingOf(parseRequestedTerms(request, deps.settings.ttlS)), ...grantBindingOf(request) }
  await subject.get()
  const { id: kid, key } = await deps.challengeKeys.current()
  const exp = Math.floor(deps.now() / 1000) + deps.settings.challengeTtlS
  const nonce = randomBytes(NONCE_BYTES)
  const content = { v: 1, iss: deps.issuer, did: request.did, exp, kid, ...binding } as const
  return { challenge: sealChallenge(content, nonce, key), nonce: encodeBase64url(nonce), exp }
}
