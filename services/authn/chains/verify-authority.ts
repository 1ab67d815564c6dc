import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { type CheckProofDeps, checkProof, checkProofClaims } from '../check-proof.ts'
import type { AuthnDeps, AuthnSettings } from '../config.ts'
import { audiencesOf } from '../domain/split-capability.ts'
import type { DelegationDemands, VerifyDemands } from '../domain/verify-request.ts'
import { findOpenAudiences, type OwnerDeps } from './check-callers.ts'
import { checkHolders, type Refusal } from './check-holders.ts'

/** The dependencies of verifyGenuineAuthority. */
export interface GenuineAuthorityDeps extends Pick<AuthnDeps, 'now' | 'genuineDelegated'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'checkAll'>
}

/** The dependencies of verifyAuthority. */
export interface VerifyAuthorityDeps extends GenuineAuthorityDeps, CheckProofDeps, OwnerDeps {}

/** Valid delegated authority, or the reason why it is not valid. */
export type AuthorityVerification =
  | { readonly valid: true; readonly authority: DelegatedAuthority }
  | ({ readonly valid: false; readonly revoked: boolean } & Refusal)

/**
 * Verifies a chain of grants or a delegated token online, as verifyToken does for other access tokens.
 *
 * @throws ApiError UNAVAILABLE
 */
export async function verifyAuthority(
  deps: VerifyAuthorityDeps,
  text: string,
  { wanted, sent, delegation, isInspection }: Omit<VerifyDemands, 'issuers'>,
): Promise<AuthorityVerification> {
  // Before any signature is checked: most verifiers do not accept delegation, and a chain costs up to 17 signatures.
  if (delegation === undefined) return invalid({ reason: 'DELEGATION_NOT_ACCEPTED', hop: undefined })
  const needsProof = !isInspection && !delegation.isProofChecked
  const checkParties = (authority: DelegatedAuthority) =>
    checkHolders(authority, wanted, delegation, Math.floor(deps.now() / 1000))
  return verifyGenuineAuthority(
    deps,
    text,
    async (authority) => {
      if (isInspection) return checkParties(authority)
      const refusal =
        authority.checkUses(wanted, delegation.args) ??
        checkParties(authority) ??
        (await checkCallers(deps, authority, wanted, delegation))
      if (refusal !== undefined || !needsProof) return refusal
      const { jkt } = authority
      const reason = checkProof(deps, { ...(jkt !== undefined && { cnf: { jkt } }) }, text, sent)
      return reason === undefined ? undefined : { reason, hop: authority.parties.length - 1 }
    },
    (above) => {
      const refusal = isInspection ? undefined : above.checkCapabilities(wanted)
      const reason = needsProof ? checkProofClaims(deps, text, sent) : undefined
      const proof = reason === undefined ? undefined : { reason, hop: text.split('~').length - 1 }
      return refusal ?? checkParties(above) ?? proof
    },
  )
}

/**
 * Checks whether the owners of audiences let every party call there. The uses must be allowed at the audiences that
 * are open to all parties.
 */
async function checkCallers(
  deps: OwnerDeps,
  authority: DelegatedAuthority,
  { audience, scope }: Requirements,
  { args }: DelegationDemands,
): Promise<Refusal | undefined> {
  const known = new Set(audiencesOf(authority.capabilities))
  const open = await findOpenAudiences(
    deps,
    [...new Set(audience)].filter((each) => known.has(each)),
    authority.parties,
  )
  return 'refusal' in open ? open.refusal : authority.checkUses({ audience: open.audiences, scope }, args)
}

/**
 * Verifies a chain of grants or a delegated token online, with `check` in place of requirements and proof. `check`
 * returns the refusal if it is not valid for this caller. `checkAbove` may do a part of this check for the grants of a
 * chain that are verified so far. It bounds what a holder of a root costs, who can make any number of new chains: up
 * to 16 signature checks each.
 *
 * @throws ApiError UNAVAILABLE, and the errors of `check`
 */
export async function verifyGenuineAuthority(
  deps: GenuineAuthorityDeps,
  text: string,
  check: (authority: DelegatedAuthority) => Refusal | undefined | Promise<Refusal | undefined>,
  checkAbove: (above: DelegatedAuthority) => Refusal | undefined = () => undefined,
): Promise<AuthorityVerification> {
  const outOfTime = (authority: DelegatedAuthority) =>
    authority.checkTimes(Math.floor(deps.now() / 1000), deps.settings.skewS)
  const genuine = await deps.genuineDelegated(text, (above) => {
    const refusal = outOfTime(above) ?? checkAbove(above)
    return refusal && { reason: refusal.reason, hop: refusal.hop, ok: false as const }
  })
  if (!genuine.ok) return invalid(genuine)
  const { authority } = genuine
  const refusal = outOfTime(authority) ?? (await check(authority))
  if (refusal !== undefined) return invalid(refusal)
  const lookups = authority.lookups()
  // Check revocations last, so that only a check of the clock comes between this check and the answer.
  const ended = await deps.tokenStatus.checkAll(lookups.map(({ token }) => token))
  if (ended !== undefined) {
    const { verdict: reason, index } = ended
    return { valid: false, reason, revoked: reason !== 'UNKNOWN_KEY', hop: lookups[index]?.hop }
  }
  // A grant or the token may have expired while the database answered.
  const expired = outOfTime(authority)
  return expired === undefined ? { valid: true, authority } : invalid(expired)
}

function invalid({ reason, hop }: Refusal): AuthorityVerification {
  return { valid: false, revoked: false, reason, hop }
}
