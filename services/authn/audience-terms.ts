import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { DEFAULT_TOKEN_ALGORITHM, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { Audience } from '@auth4agent/core/token/audience'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps } from './config.ts'
import { agreeOnAlgorithm } from './domain/agree-on-algorithm.ts'
import {
  type AudienceTerms,
  type Caller,
  type DpopDemand,
  decideAudience,
  strongestDemand,
} from './domain/decide-audience.ts'
import { checkNonce, createNonce } from './dpop-nonce.ts'

const OF_ISSUER: AudienceTerms = { alg: DEFAULT_TOKEN_ALGORITHM, dpop: '' }

/**
 * Returns the signing algorithm of a token for these audiences, and what their owners demand of DPoP. Each owner must
 * accept every caller.
 *
 * @throws ApiError AUDIENCE_NOT_ALLOWED, ALGORITHM_CONFLICT, UNAVAILABLE
 */
export async function decideAudiences(
  deps: Pick<AuthnDeps, 'issuer' | 'operators'>,
  audiences: readonly Audience[],
  callers: readonly Caller[],
): Promise<{ readonly alg: TokenAlgorithm; readonly demand: DpopDemand }> {
  const wanted: (AudienceTerms & { audience: string })[] = []
  for (const audience of audiences) {
    wanted.push({ audience: audience.text, ...(await termsOf(deps, audience, callers)) })
  }
  return { alg: agreeOnAlgorithm(wanted), demand: strongestDemand(wanted) }
}

async function termsOf(
  { issuer, operators }: Pick<AuthnDeps, 'issuer' | 'operators'>,
  audience: Audience,
  callers: readonly Caller[],
): Promise<AudienceTerms> {
  if (audience.text === issuer) return OF_ISSUER
  const owner = await operators.lookupAudienceOwner({ host: audience.host })
  // The terms do not depend on the caller.
  const [terms = OF_ISSUER] = callers.map((caller) => decideAudience(audience, owner, caller))
  return terms
}

/** Throws DPOP_PROOF_REQUIRED, DPOP_NONCE_REQUIRED. */
export async function meetDemand(
  deps: AuthnDeps,
  demand: DpopDemand,
  dpop: Pick<DpopProof, 'nonce'> | undefined,
): Promise<void> {
  if (demand === '') return
  if (dpop === undefined) throw new ApiError('DPOP_PROOF_REQUIRED')
  if (demand === 'required' || (await checkNonce(deps, dpop.nonce))) return
  throw new ApiError('DPOP_NONCE_REQUIRED', undefined, { dpopNonce: await createNonce(deps) })
}
