import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { DEFAULT_TOKEN_ALGORITHM, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Audience } from '@auth4agent/core/token/audience'
import { ApiError } from '../platform/errors/api-error.ts'
import { agreeOnAlgorithm } from './domain/agree-on-algorithm.ts'
import {
  type AllowedAudience,
  type AudienceTerms,
  type Caller,
  type DpopDemand,
  decideAudience,
  type StatusDemand,
  strongestDemand,
  strongestStatus,
} from './domain/decide-audience.ts'
import { checkNonce, createNonce, type NonceDeps } from './dpop-nonce.ts'
import type { Owners } from './known-owners.ts'

const OF_ISSUER: AudienceTerms = { alg: DEFAULT_TOKEN_ALGORITHM, dpop: '', tokenStatus: '' }

/** What the owners of a token's audiences have decided about it. */
export interface AudiencesDecision {
  readonly alg: TokenAlgorithm
  readonly demand: DpopDemand
  readonly tokenStatus: StatusDemand
  /** Ids of the edges that let the callers have tokens for audiences of other operators. */
  readonly edges: readonly string[]
}

/**
 * Returns the signing algorithm of a token for these audiences, what their owners demand of DPoP and of the token's
 * status, and the edges with which the token ends. Each owner must accept every caller.
 *
 * @throws ApiError AUDIENCE_NOT_ALLOWED, ALGORITHM_CONFLICT, UNAVAILABLE
 */
export async function decideAudiences(
  issuer: string,
  owners: Owners,
  audiences: readonly Audience[],
  callers: readonly Caller[],
): Promise<AudiencesDecision> {
  const wanted: (AudienceTerms & { audience: string })[] = []
  const edges = new Set<string>()
  for (const audience of audiences) {
    const allowed = audience.text === issuer ? [] : await allowedBy(owners, audience, callers)
    // The terms do not depend on the caller.
    wanted.push({ audience: audience.text, ...(allowed[0] ?? OF_ISSUER) })
    for (const { edge } of allowed) if (edge !== undefined) edges.add(edge)
  }
  const tokenStatus = strongestStatus(wanted)
  return { alg: agreeOnAlgorithm(wanted), demand: strongestDemand(wanted), tokenStatus, edges: [...edges] }
}

async function allowedBy(
  owners: Owners,
  audience: Audience,
  callers: readonly Caller[],
): Promise<readonly AllowedAudience[]> {
  const domains = callers.map(({ domain }) => domain)
  const owner = await owners.ownerOf(audience, domains)
  return callers.map((caller) => decideAudience(audience, owner, caller))
}

/** Throws DPOP_PROOF_REQUIRED, DPOP_NONCE_REQUIRED. */
export async function meetDemand(
  deps: NonceDeps,
  demand: DpopDemand,
  dpop: Pick<DpopProof, 'nonce'> | undefined,
): Promise<void> {
  if (demand === '') return
  if (dpop === undefined) throw new ApiError('DPOP_PROOF_REQUIRED')
  if (demand === 'required' || (await checkNonce(deps, dpop.nonce))) return
  throw new ApiError('DPOP_NONCE_REQUIRED', undefined, { dpopNonce: await createNonce(deps) })
}
