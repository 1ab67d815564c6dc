import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isDelegated } from '@auth4agent/core/delegation/is-delegated'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { isTemporaryVerdict, verdicts } from '@auth4agent/core/token/verdicts'
import type { IntrospectRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { findOpenAudiences, type OwnerDeps } from '../chains/check-callers.ts'
import { type GenuineAuthorityDeps, verifyGenuineAuthority } from '../chains/verify-authority.ts'
import { audiencesOf } from '../domain/split-capability.ts'
import type { Subject } from '../domain/subject.ts'
import { GRANT_CHAIN } from '../exchange/domain/exchange-request.ts'
import { type VerifyTokenDeps, verifyGenuine } from '../verify-token.ts'
import { type IntrospectionMembers, membersOfAuthority, membersOfToken } from './introspection-members.ts'
import { authenticateClient, type ClientDeps } from './open-assertion.ts'

/** What the answer tells about an active token; undefined for every other text. `client` is the DID of the caller. */
export interface Introspection {
  readonly client: string
  readonly members: IntrospectionMembers | undefined
}

/** The dependencies of introspect. */
interface IntrospectDeps extends ClientDeps, VerifyTokenDeps {
  readonly settings: ClientDeps['settings'] & VerifyTokenDeps['settings']
}

/**
 * Introspects a token or a chain of grants for an agent (RFC 7662). It is active if it is genuine, within its lifetime
 * and not ended, and the agent's operator may know it. A chain is never active for a client that does not say that it
 * knows chains: it would take the chain for a bearer token, and the principal for the caller. A delegated token needs
 * no hint: it is a token of RFC 8693, whose clients read `act`, and `cnf` says that it needs a proof.
 *
 * @throws ApiError INVALID_ARGUMENT, UNAVAILABLE, and as authenticateClient does
 */
export async function introspect(
  deps: IntrospectDeps,
  { token, ...request }: IntrospectRequest,
  call: Call,
): Promise<Introspection> {
  if (token === '') throw new ApiError('INVALID_ARGUMENT', 'token must not be missing')
  const client = await authenticateClient(deps, request, call)
  const members = isDelegated(token)
    ? await introspectDelegated(deps, token, client, request.tokenTypeHint)
    : await introspectToken(deps, token, client)
  return { client: client.agent.did, members }
}

async function introspectToken(
  deps: VerifyTokenDeps,
  token: string,
  client: Subject,
): Promise<IntrospectionMembers | undefined> {
  const verification = await verifyGenuine(deps, token, async (claims) =>
    (await mayKnow(deps, client, claims)) ? undefined : 'AUDIENCE_MISMATCH',
  )
  if (verification.valid) return membersOfToken(verification.claims)
  // The token may be active, so the answer must not be that it is not.
  if (isTemporaryVerdict(verification.reason)) {
    throw new ApiError('UNAVAILABLE', verdicts[verification.reason], { isFault: false, retryAfter: 1 })
  }
  return undefined
}

async function introspectDelegated(
  deps: GenuineAuthorityDeps & OwnerDeps,
  token: string,
  client: Subject,
  hint: string,
): Promise<IntrospectionMembers | undefined> {
  // With this hint a client says that it knows chains.
  if (isChain(token) && hint !== GRANT_CHAIN) return undefined
  let audiences: readonly string[] = []
  const verification = await verifyGenuineAuthority(deps, token, async (authority) => {
    const visible = await visibleTo(deps, client, authority)
    if (visible.length === 0) return { reason: 'AUDIENCE_MISMATCH', hop: undefined }
    const open = await findOpenAudiences(deps, visible, authority.parties)
    if ('refusal' in open) return open.refusal
    audiences = open.audiences
    return undefined
  })
  return verification.valid ? membersOfAuthority(verification.authority, audiences) : undefined
}

/**
 * Returns whether an agent's operator may know a token: it governs the token's agent, or owns one of its audiences.
 */
export async function mayKnow(
  deps: OwnerDeps,
  { operator }: Subject,
  claims: Pick<AccessTokenClaims, 'operator_id' | 'aud'>,
): Promise<boolean> {
  if (claims.operator_id === operator.id) return true
  for (const audience of claims.aud) if (await owns(deps, operator.id, audience)) return true
  return false
}

/**
 * Returns the audiences of a chain or delegated token about which an agent's operator may know: all if it governs a
 * party, and otherwise those that it owns.
 */
async function visibleTo(
  deps: OwnerDeps,
  { operator }: Subject,
  { parties, claims, capabilities }: Pick<DelegatedAuthority, 'parties' | 'claims' | 'capabilities'>,
): Promise<readonly string[]> {
  const audiences = claims?.aud ?? audiencesOf(capabilities)
  if (parties.some(({ operatorId }) => operatorId === operator.id)) return audiences
  const owned: string[] = []
  for (const audience of audiences) if (await owns(deps, operator.id, audience)) owned.push(audience)
  return owned
}

async function owns({ issuer, operators }: OwnerDeps, operatorId: string, audience: string): Promise<boolean> {
  // No operator owns the issuer, even if the issuer's host is under the domain of an operator.
  const host = audience === issuer ? undefined : parseAudience(audience)?.host
  if (host === undefined) return false
  return (await operators.lookupAudienceOwner({ host, audiences: [audience] })).operatorId === operatorId
}
