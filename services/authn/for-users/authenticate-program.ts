import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import type { Call } from '../../calls/call.ts'
import type { KnownClient } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps } from '../config.ts'
import type { AgentProof } from '../domain/agent-proof.ts'
import type { ClientAuthentication } from '../domain/oauth-request.ts'
import { type AssertionDeps, openAssertion } from '../oauth/open-assertion.ts'

/** The dependencies of authenticateProgram. */
export type ProgramDeps = AssertionDeps & Pick<AuthnDeps, 'clientKeys' | 'sawEndpointAudience'>

/** A text that may be used once, and until when, in Unix seconds. */
export interface UsedText {
  readonly id: string
  readonly exp: number
}

/**
 * Authenticates a client that is no agent in the way to which its user has consented: without a proof, or by an
 * assertion (RFC 7523 section 3) of a key in its document. Its text must still be used.
 *
 * @returns the assertion that must be used with the token; undefined without one
 * @throws ApiError UNSUPPORTED_CLIENT_AUTHENTICATION, UNAUTHENTICATED, INVALID_ASSERTION, ASSERTION_EXPIRED,
 *   INVALID_SIGNATURE, CONSENT_REQUIRED, CLIENT_NOT_ACCEPTED, RATE_LIMITED, UNAVAILABLE
 */
export async function authenticateProgram(
  deps: ProgramDeps,
  client: ClientAuthentication,
  consent: KnownClient,
  { source = '' }: Call,
): Promise<UsedText | undefined> {
  if (consent.clientAuth === 'none') {
    if (client.clientAssertion !== '' || client.clientAssertionType !== '') {
      throw new ApiError('UNSUPPORTED_CLIENT_AUTHENTICATION', 'The client must authenticate with none')
    }
    deps.clientKeys.demandNone(consent.clientId)
    return undefined
  }
  const { proof, namesEndpoint } = openAssertion(deps, client, { rsa: true })
  const key = await deps.clientKeys.findKey(consent, proof.kid, source)
  if (key === undefined) throw proof.wrongKey('kid must name one key of the client; it may be missing for an only key')
  if (!isSignedBy(key, proof)) {
    throw new ApiError('INVALID_SIGNATURE', 'The assertion must be signed by the key of the client that kid names')
  }
  if (namesEndpoint) deps.sawEndpointAudience(consent.clientId)
  return { id: proof.id, exp: proof.exp }
}

/** The key decides which algorithms it may have signed with. */
function isSignedBy(key: PublicJwk, { alg = '', message, signature }: AgentProof): boolean {
  if (key.kty === 'RSA') return alg === 'RS256' && importTokenVerifier(alg, key)?.verify(message, signature) === true
  return readProofKey(alg, { ...key })?.verify(message, signature) === true
}
