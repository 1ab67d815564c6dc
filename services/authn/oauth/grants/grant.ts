import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TokenRequest, TokenResponseSchema } from '../../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../../calls/call.ts'
import type { AuthnDeps } from '../../config.ts'
import type { Presented } from '../../domain/agent-proof.ts'
import { parseAttestation } from '../../domain/parse-attestation.ts'
import type { UserToken } from '../../for-users/issue-for-user.ts'
import { tokenTypeOf } from '../introspection-members.ts'
import { openAssertion } from '../open-assertion.ts'

/** The answer to a request at the token endpoint (RFC 6749 section 5.1). */
type TokenAnswer = MessageInitShape<typeof TokenResponseSchema>

/** A use of a grant type at the token endpoint. */
export interface Grant {
  /** The parameter `grant_type`. */
  readonly type: string
  /** Returns whether a request with this grant type is for this use of it. */
  readonly isFor: (request: TokenRequest) => boolean
  /** Issues what the request asks for. Throws ApiError. */
  readonly answer: (deps: AuthnDeps, request: TokenRequest, call: Call) => Promise<TokenAnswer>
}

/** What a client that has sent an assertion asks for. */
interface Order<Requested> extends Presented {
  readonly requested: Requested
}

/** A grant for a client that authenticates with an assertion (RFC 7523 section 2.2). */
interface ClientGrant<Requested> {
  readonly parse: (request: TokenRequest, deps: AuthnDeps, call: Call) => Requested
  readonly issue: (deps: AuthnDeps, order: Order<Requested>, call: Call) => Promise<TokenAnswer>
}

/** Returns the `answer` of a grant whose client authenticates with an assertion. */
export function forClient<Requested>({ parse, issue }: ClientGrant<Requested>): Grant['answer'] {
  return async (deps, request, call) => {
    const requested = parse(request, deps, call)
    const evidence = parseAttestation(request.attestation)
    const { proof, namesEndpoint } = openAssertion(deps, request)
    const answer = await issue(deps, { proof, evidence, requested }, call)
    if (namesEndpoint) deps.sawEndpointAudience(proof.did)
    return answer
  }
}

/** Returns the answer with a token for a user, and with what its client can go on. */
export async function userToken(
  { userGrants }: Pick<AuthnDeps, 'userGrants'>,
  { token, claims, connection, n, refreshKeyId: keyId, connectionExp }: UserToken,
): Promise<TokenAnswer> {
  const { iat, exp, scope } = claims
  const refreshToken = await userGrants.sealRefreshToken({ connection, n, keyId })
  const rest = { scope, refreshToken, authorizationExpiresIn: connectionExp - iat }
  return { accessToken: token, tokenType: tokenTypeOf(claims), expiresIn: exp - iat, ...rest }
}

/** Returns the answer with an access token of an agent. It never has a refresh token. */
export function accessToken({ token, claims }: { readonly token: string; readonly claims: AccessTokenClaims }) {
  const { iat, exp, scope } = claims
  return { accessToken: token, tokenType: tokenTypeOf(claims), expiresIn: exp - iat, scope }
}
