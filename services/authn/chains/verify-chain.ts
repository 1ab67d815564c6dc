import { chainLookups } from '@auth4agent/core/delegation/chain-lookups'
import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { checkCapabilities, checkUses } from '@auth4agent/core/delegation/use-chain'
import { type CheckProofDeps, checkProof, checkProofClaims } from '../check-proof.ts'
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
  const needsProof = !isInspection && !delegation.isProofChecked
  return verifyGenuineChain(
    deps,
    text,
    (chain) => {
      if (isInspection) return checkHolders(chain, wanted, delegation)
      const refusal = checkUses(chain, wanted, delegation.args) ?? checkHolders(chain, wanted, delegation)
      if (refusal !== undefined || !needsProof) return refusal
      const cnf = { jkt: actorOf(chain).jkt }
      const reason = checkProof(deps, { cnf }, text, sent)
      return reason === undefined ? undefined : { reason, hop: chain.hops.length - 1 }
    },
    (above) => {
      const refusal = isInspection ? undefined : checkCapabilities(above, wanted)
      const reason = needsProof ? checkProofClaims(deps, text, sent) : undefined
      const proof = reason === undefined ? undefined : { reason, hop: text.split('~').length - 1 }
      return refusal ?? checkHolders(above, wanted, delegation) ?? proof
    },
  )
}

/**
 * Verifies a chain of grants online, with `check` in place of requirements and proof. `check` returns the refusal if
 * the chain is not valid for this caller. `checkAbove` may do a part of this check for the grants that are verified so
 * far. It bounds what a holder of a root costs, who can make any number of new chains: up to 16 signature checks each.
 *
 * @throws ApiError UNAVAILABLE, and the errors of `check`
 */
export async function verifyGenuineChain(
  deps: GenuineChainDeps,
  text: string,
  check: (chain: GenuineChain) => Refusal | undefined | Promise<Refusal | undefined>,
  checkAbove: (above: Pick<GenuineChain, 'hops'>) => Refusal | undefined = () => undefined,
): Promise<ChainVerification> {
  const outOfTime = (hops: GenuineChain['hops']) =>
    checkChainTimes({ hops }, Math.floor(deps.now() / 1000), deps.settings.skewS)
  const genuine = await deps.genuineChains(text, (hops) => {
    const refusal = outOfTime(hops) ?? checkAbove({ hops })
    return refusal && { reason: refusal.reason, hop: refusal.hop, ok: false as const }
  })
  if (!genuine.ok) return invalid(genuine)
  const { chain } = genuine
  const refusal = outOfTime(chain.hops) ?? (await check(chain))
  if (refusal !== undefined) return invalid(refusal)
  const lookups = chainLookups(chain)
  // Check revocations last, so that only a check of the clock comes between this check and the answer.
  const ended = await deps.tokenStatus.checkAll(lookups.map(({ token }) => token))
  if (ended !== undefined) {
    const { verdict: reason, index } = ended
    return { valid: false, reason, revoked: reason !== 'UNKNOWN_KEY', hop: lookups[index]?.hop }
  }
  // A grant may have expired while the database answered.
  const expired = outOfTime(chain.hops)
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
