import { chainLookups } from '@auth4agent/core/delegation/chain-lookups'
import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { checkUses } from '@auth4agent/core/delegation/use-chain'
import { type CheckProofDeps, checkProof } from '../check-proof.ts'
import type { AuthnDeps, AuthnSettings } from '../config.ts'
import type { VerifyDemands } from '../domain/verify-request.ts'
import { checkHolders, type Refusal } from './check-holders.ts'

/** The dependencies of verifyGenuineChain. */
export interface GenuineChainDeps extends Pick<AuthnDeps, 'now' | 'genuineChains'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'checkAll'>
}

/** The dependencies of verifyChain. */
export interface VerifyChainDeps extends GenuineChainDeps, CheckProofDeps {}

/** A valid chain, or the reason why the chain is not valid. */
export type ChainVerification =
  | { readonly valid: true; readonly chain: GenuineChain }
  | ({ readonly valid: false; readonly revoked: boolean } & Refusal)

/**
 * Verifies a chain of grants online, as verifyToken does for an access token.
 *
 * @throws ApiError UNAVAILABLE
 */
export async function verifyChain(
  deps: VerifyChainDeps,
  text: string,
  { wanted, sent, delegation, isInspection }: VerifyDemands,
): Promise<ChainVerification> {
  // Before any signature is checked: most verifiers do not accept chains, and a chain costs up to 17 signatures.
  if (delegation === undefined) return invalid({ reason: 'DELEGATION_NOT_ACCEPTED', hop: undefined })
  return verifyGenuineChain(deps, text, (chain) => {
    if (isInspection) return checkHolders(chain, wanted, delegation)
    const refusal = checkUses(chain, wanted, delegation.args) ?? checkHolders(chain, wanted, delegation)
    if (refusal !== undefined || delegation.isProofChecked) return refusal
    const cnf = { jkt: actorOf(chain).jkt }
    const reason = checkProof(deps, { cnf }, text, sent)
    return reason === undefined ? undefined : { reason, hop: chain.hops.length - 1 }
  })
}

/**
 * Verifies a chain of grants online, with `check` in place of requirements and proof. `check` returns the refusal if
 * the chain is not valid for this caller.
 *
 * @throws ApiError UNAVAILABLE, and the errors of `check`
 */
export async function verifyGenuineChain(
  deps: GenuineChainDeps,
  text: string,
  check: (chain: GenuineChain) => Refusal | undefined | Promise<Refusal | undefined>,
): Promise<ChainVerification> {
  const genuine = await deps.genuineChains(text)
  if (!genuine.ok) return invalid(genuine)
  const { chain } = genuine
  const outOfTime = () => checkChainTimes(chain, Math.floor(deps.now() / 1000), deps.settings.skewS)
  const refusal = outOfTime() ?? (await check(chain))
  if (refusal !== undefined) return invalid(refusal)
  const lookups = chainLookups(chain)
  // Check revocations last, so that only a check of the clock comes between this check and the answer.
  const ended = await deps.tokenStatus.checkAll(lookups.map(({ token }) => token))
  if (ended !== undefined) {
    const { verdict: reason, index } = ended
    return { valid: false, reason, revoked: reason !== 'UNKNOWN_KEY', hop: lookups[index]?.hop }
  }
  // A grant may have expired while the database answered.
  const expired = outOfTime()
  return expired === undefined ? { valid: true, chain } : invalid(expired)
}

/** Returns the last holder of a chain, which acts for the first. */
export function actorOf({ hops }: GenuineChain): GenuineChain['hops'][number] {
  const actor = hops.at(-1)
  if (actor === undefined) throw new RangeError('A chain must have at least one grant')
  return actor
}

function invalid({ reason, hop }: Refusal): ChainVerification {
  return { valid: false, revoked: false, reason, hop }
}
