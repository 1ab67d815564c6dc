import { GRANT_ALGORITHM } from '@auth4agent/core/delegation/grant-types'
import { rootGrantClaims } from '@auth4agent/core/delegation/issuer-claims'
import { type Audience, parseAudience } from '@auth4agent/core/token/audience'
import type { IssueGrantRequest } from '../../../gen/proto/auth4agent/v1/delegation_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from '../config.ts'
import { IDENTITY_KEY, type Presented } from '../domain/agent-proof.ts'
import { checkAttestation, joinEdges } from '../domain/check-attestation.ts'
import { decideAudience } from '../domain/decide-audience.ts'
import { audiencesOf, splitCapability } from '../domain/split-capability.ts'
import { openChallenge } from '../open-challenge.ts'
import { type Known, type RedeemDeps, redeemProof } from '../redeem-proof.ts'
import { decideGrant, type GrantTerms } from './domain/decide-grant.ts'
import { parseGrantRequest, type RequestedGrant } from './domain/grant-request.ts'
import { checkGrantSize, rootGrantOf } from './domain/root-grant.ts'

/** A new root grant, its terms, and when it expires in Unix seconds. */
export interface IssuedGrant {
  readonly grant: string
  readonly terms: GrantTerms
  readonly exp: number
}

/** The dependencies of redeemForGrant. */
interface RedeemForGrantDeps extends RedeemDeps, Pick<AuthnDeps, 'issuer' | 'termDefaults' | 'grantSigner'> {}

/** The dependencies of issueGrant. */
interface IssueGrantDeps extends RedeemForGrantDeps {
  readonly settings: RedeemDeps['settings'] & Pick<AuthnSettings, 'ttlS'>
}

/** How an agent asks for a grant: what it presents, and the terms that the request contains. */
export interface GrantOrder extends Presented {
  readonly requested: RequestedGrant
}

/**
 * Redeems a signed challenge for the first grant of a chain. docs/protocol.md section 6 gives the order of the checks.
 *
 * @throws ApiError with the reason of the first check that fails; UNAVAILABLE when no key can sign, or when the agent,
 *   its operator or the owner of an audience changes during every attempt.
 */
export async function issueGrant(deps: IssueGrantDeps, request: IssueGrantRequest, call: Call): Promise<IssuedGrant> {
  refuseDpop(call)
  deps.subjects.of(request.did, call)
  const requested = parseGrantRequest(request, deps.settings.ttlS)
  return redeemForGrant(deps, { proof: await openChallenge(deps, { ...request, kid: '' }), requested }, call)
}

/**
 * Redeems the proof of an agent for the first grant of a chain.
 *
 * @throws ApiError as issueGrant does
 */
export async function redeemForGrant(deps: RedeemForGrantDeps, order: GrantOrder, call: Call): Promise<IssuedGrant> {
  const { proof, requested } = order
  const { subject, decision, jti, nowS, epoch, kid } = await redeemProof(deps, order, call, async (known, at, id) => {
    const { subject: holder } = known
    const asked = decideGrant(holder, proof, requested, { ttl: deps.termDefaults.ttl, nowS: at })
    const attested = checkAttestation(holder.agent, wantedOf(asked), IDENTITY_KEY, deps.now())
    const terms = { ...asked, ttl: Math.min(asked.ttl, attested.ttl, attested.notAfterS - at) }
    const edges = joinEdges(await findEdges(deps.issuer, known, terms), attested.edges)
    checkGrantSize(deps.issuer, holder, terms, { jti: id, nowS: at, edges })
    return {
      key: IDENTITY_KEY,
      terms,
      edges,
      issue: { purpose: 'grant', alg: GRANT_ALGORITHM, ttl: terms.ttl } as const,
    }
  })
  const root = rootGrantOf(deps.issuer, subject, decision.terms, { jti, nowS, epoch, edges: decision.edges })
  // As for a token, the grant is signed only after the redemption is committed.
  return {
    grant: await deps.grantSigner.sign(kid, rootGrantClaims(root), call.span),
    terms: decision.terms,
    exp: root.exp,
  }
}

/** Throws INVALID_DPOP_PROOF if a request for a grant has a DPoP proof. */
export function refuseDpop(call: Call): void {
  if (call.dpop !== undefined) throw new ApiError('INVALID_DPOP_PROOF', NO_PROOF)
}

/**
 * Returns the edges with which the grant ends. The owners decide as for tokens. Their demands for algorithm and DPoP
 * do not matter: a grant is always bound.
 */
async function findEdges(
  issuer: string,
  { subject: { operator }, owners }: Known,
  { capabilities }: GrantTerms,
): Promise<readonly string[]> {
  const audiences = parsedAudiences(capabilities).filter(({ text }) => text !== issuer)
  // At the same time, so that the audiences of one host share a look-up.
  const found = await Promise.all(audiences.map((audience) => owners.ownerOf(audience, [operator.domain])))
  const edges = audiences.flatMap((audience, at) => {
    const owner = found[at]
    return owner === undefined ? [] : (decideAudience(audience, owner, operator).edge ?? [])
  })
  return [...new Set(edges)]
}

function wantedOf({ capabilities }: GrantTerms) {
  const scopes = Array.from(capabilities.keys(), (capability) => splitCapability(capability).scope)
  return { scopes: [...new Set(scopes)], audiences: parsedAudiences(capabilities) }
}

function parsedAudiences(capabilities: GrantTerms['capabilities']): readonly Audience[] {
  return audiencesOf(capabilities).flatMap((text) => parseAudience(text) ?? [])
}

const NO_PROOF = 'A grant is always bound to the identity key of the agent, so the request must not have a DPoP header'
