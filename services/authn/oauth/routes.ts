import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { OAuthService, TokenRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call, Handlers } from '../../chain/call.ts'
import { isChainingRequest, parseChainingRequest } from '../chaining/domain/chaining-request.ts'
import { parseRedeemRequest } from '../chaining/domain/redeem-request.ts'
import { issueChainingGrant } from '../chaining/issue-chaining-grant.ts'
import { redeemChainingGrant } from '../chaining/redeem-chaining-grant.ts'
import { toDetails, toResults, toStatus } from '../chains/messages.ts'
import type { AuthnDeps } from '../config.ts'
import { EXCHANGE, JWT_BEARER, parseTokenRequest } from '../domain/oauth-request.ts'
import { parseAttestation } from '../domain/parse-attestation.ts'
import { ACCESS_TOKEN, parseExchangeRequest } from '../exchange/domain/exchange-request.ts'
import { exchangeToken } from '../exchange/exchange-token.ts'
import { isRootRequest, parseRootRequest } from '../grants/domain/root-request.ts'
import { redeemForGrant, refuseDpop } from '../grants/issue-grant.ts'
import { parseIdJagRequest } from '../id-jag/domain/id-jag-request.ts'
import { redeemIdJag } from '../id-jag/redeem-id-jag.ts'
import { issueToken } from '../issue-token.ts'
import { type Introspection, introspect } from './introspect.ts'
import { type IntrospectionMembers, tokenTypeOf } from './introspection-members.ts'
import { openAssertion } from './open-assertion.ts'
import { revokeOwn } from './revoke.ts'

/** Creates the handlers of OAuthService. They translate between OAuth and the calls of the domain. */
export function oauthRoutes(deps: AuthnDeps): Handlers<typeof OAuthService> {
  return {
    async token(request, call) {
      if (request.grantType === JWT_BEARER) {
        // Before authentication, nothing may depend on whether an issuer is admitted.
        return request.clientAssertion === '' ? redeemGrant(deps, request, call) : actForUser(deps, request, call)
      }
      if (request.grantType === EXCHANGE) {
        return isChainingRequest(request) ? chain(deps, request, call) : exchange(deps, request, call)
      }
      if (isRootRequest(request)) return issueRoot(deps, request, call)
      const requested = parseTokenRequest(request)
      const evidence = parseAttestation(request.attestation)
      const assertion = openAssertion(deps, request)
      const { token, claims } = await issueToken(deps, { proof: assertion.proof, evidence, requested }, call)
      if (assertion.namesEndpoint) deps.sawEndpointAudience(claims.sub)
      return toAnswer(token, claims)
    },
    async introspect(request, call) {
      const introspection = await introspect(deps, request, call)
      const { members } = introspection
      if (request.signed) return { active: members !== undefined, jwt: await sign(deps, introspection) }
      return members === undefined ? { active: false } : { active: true, ...toResponse(members) }
    },
    async revoke(request, call) {
      await revokeOwn(deps, request, call)
      return {}
    },
  }
}

/** Issues the first grant of a chain. Its token type says that it is no access token. */
async function issueRoot(deps: AuthnDeps, request: TokenRequest, call: Call) {
  refuseDpop(call)
  const requested = parseRootRequest(request)
  const evidence = parseAttestation(request.attestation)
  const assertion = openAssertion(deps, request)
  const { grant, terms } = await redeemForGrant(deps, { proof: assertion.proof, evidence, requested }, call)
  if (assertion.namesEndpoint) deps.sawEndpointAudience(assertion.proof.did)
  return {
    accessToken: grant,
    tokenType: 'aat',
    expiresIn: terms.ttl,
    authorizationDetails: toDetails(terms.capabilities),
  }
}

/** Exchanges a token (RFC 8693). */
async function exchange(deps: AuthnDeps, request: TokenRequest, call: Call) {
  const requested = parseExchangeRequest(request)
  const evidence = parseAttestation(request.attestation)
  const assertion = openAssertion(deps, request)
  const { token, claims } = await exchangeToken(deps, { proof: assertion.proof, evidence, requested }, call)
  if (assertion.namesEndpoint) deps.sawEndpointAudience(claims.client_id)
  const { iat, exp, scope, details } = claims
  return {
    accessToken: token,
    issuedTokenType: ACCESS_TOKEN,
    tokenType: 'DPoP',
    expiresIn: exp - iat,
    scope,
    authorizationDetails: toDetails(details),
  }
}

/** Issues a grant for another deployment. Its token type says that it is no access token (RFC 8693 section 2.2.1). */
async function chain(deps: AuthnDeps, request: TokenRequest, call: Call) {
  const requested = parseChainingRequest(request, deps.issuer)
  const evidence = parseAttestation(request.attestation)
  const assertion = openAssertion(deps, request)
  const { text, grant } = await issueChainingGrant(deps, { proof: assertion.proof, evidence, requested }, call)
  if (assertion.namesEndpoint) deps.sawEndpointAudience(grant.client_id)
  const { iat, exp, scope } = grant
  return {
    accessToken: text,
    issuedTokenType: request.requestedTokenType,
    tokenType: 'N_A',
    expiresIn: exp - iat,
    scope,
  }
}

function toAnswer(token: string, claims: AccessTokenClaims) {
  const { iat, exp, scope } = claims
  return { accessToken: token, tokenType: tokenTypeOf(claims), expiresIn: exp - iat, scope }
}

/** Issues an access token for a grant of another deployment. There is never a refresh token. */
async function redeemGrant(deps: AuthnDeps, request: TokenRequest, call: Call) {
  const { token, claims } = await redeemChainingGrant(deps, parseRedeemRequest(request), call)
  return toAnswer(token, claims)
}

/** Issues an access token with which the client acts for a user. There is never a refresh token. */
async function actForUser(deps: AuthnDeps, request: TokenRequest, call: Call) {
  const requested = parseIdJagRequest(request)
  const evidence = parseAttestation(request.attestation)
  const assertion = openAssertion(deps, request)
  const { token, claims } = await redeemIdJag(deps, { proof: assertion.proof, evidence, requested }, call)
  if (assertion.namesEndpoint) deps.sawEndpointAudience(claims.client_id)
  return toAnswer(token, claims)
}

function toResponse(members: IntrospectionMembers) {
  const { client_id, operator_id, token_type, exp, iat, nbf, aud, scope, ...others } = members
  const { agent_key, may_act, authorization_details, attestation, status, ...same } = others
  return {
    ...same,
    aud: [...aud],
    clientId: client_id,
    operatorId: operator_id,
    tokenType: token_type,
    exp: BigInt(exp),
    iat: BigInt(iat),
    ...(nbf !== undefined && { nbf: BigInt(nbf) }),
    ...(scope !== '' && { scope }),
    ...(agent_key !== undefined && { agentKey: agent_key }),
    ...(may_act && { mayAct: { ...may_act } }),
    ...(attestation && { attestation: toResults(attestation) }),
    ...(status && { status: toStatus(status) }),
    ...(authorization_details && { authorizationDetails: [...authorization_details] }),
  }
}

/** Signs the answer as a JWT for the client (RFC 9701 section 5). */
function sign(deps: AuthnDeps, { client, members }: Introspection): Promise<string> {
  return deps.introspectionSigner.sign({
    iss: deps.issuer,
    aud: client,
    iat: Math.floor(deps.now() / 1000),
    token_introspection: members === undefined ? { active: false } : { active: true, ...members },
  })
}
