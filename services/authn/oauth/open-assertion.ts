import type { Call } from '../../calls/call.ts'
import type { AuthnDeps, AuthnSettings } from '../config.ts'
import { checkStatuses, proveKey } from '../domain/agent-proof.ts'
import { type ClientAuthentication, clientAssertionOf } from '../domain/oauth-request.ts'
import {
  type ClientAssertionRules,
  type ParsedClientAssertion,
  parseClientAssertion,
} from '../domain/parse-client-assertion.ts'
import type { Subject } from '../domain/subject.ts'
import { type RedeemDeps, redeemProof } from '../redeem-proof.ts'

/** The dependencies of openAssertion. */
export interface AssertionDeps extends Pick<AuthnDeps, 'issuer' | 'now'> {
  readonly settings: Pick<AuthnSettings, 'assertionAudience' | 'skewS'>
}

/** The dependencies of authenticateClient. */
export interface ClientDeps extends AssertionDeps, RedeemDeps, Pick<AuthnDeps, 'sawEndpointAudience'> {
  readonly settings: AssertionDeps['settings'] & RedeemDeps['settings']
}

/**
 * Opens the client assertion of a request. The signature is not verified yet.
 *
 * @throws ApiError UNAUTHENTICATED, UNSUPPORTED_CLIENT_AUTHENTICATION, INVALID_ASSERTION, ASSERTION_EXPIRED
 */
export function openAssertion(
  deps: AssertionDeps,
  request: ClientAuthentication,
  { rsa = false }: Pick<ClientAssertionRules, 'rsa'> = {},
): ParsedClientAssertion {
  const { issuer, settings, now } = deps
  return parseClientAssertion(clientAssertionOf(request), request.clientId, {
    issuer,
    tokenEndpoint: settings.assertionAudience === 'issuer' ? undefined : `${issuer}/oauth/token`,
    nowS: Math.floor(now() / 1000),
    skewS: settings.skewS,
    rsa,
  })
}

/**
 * Authenticates the agent of a request that issues no token. The assertion is used up, also for token requests.
 *
 * @throws ApiError as openAssertion does; AGENT_NOT_FOUND, INVALID_DID, INVALID_SIGNATURE, AGENT_NOT_ACTIVE,
 *   AGENT_OPERATOR_NOT_ACTIVE, ASSERTION_USED, UNAVAILABLE
 */
export async function authenticateClient(
  deps: ClientDeps,
  request: ClientAuthentication,
  call: Call,
): Promise<Subject> {
  const assertion = openAssertion(deps, request)
  const { subject } = await redeemProof(deps, assertion, call, async ({ subject: client }, nowS) => {
    const key = proveKey(client, assertion.proof, nowS)
    checkStatuses(client)
    return { key }
  })
  if (assertion.namesEndpoint) deps.sawEndpointAudience(subject.agent.did)
  return subject
}
