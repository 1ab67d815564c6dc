import { checkAttestation } from '@auth4agent/core/delegation/check-attestation'
import { checkHolders } from '@auth4agent/core/delegation/check-holders'
import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import type { GenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isPlainObject } from '@auth4agent/core/encoding/json-value'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import type { Follower } from '@auth4agent/core/revocation/follower'
import { type Ask, askAboutAuthority, type Question } from './ask.ts'
import { checkProofClaims } from './bound-tokens.ts'
import type { Arguments, ChainDemands } from './chain-wanted.ts'
import { type Delegation, toDelegation } from './delegation.ts'
import type { VerificationErrorOptions, VerificationReason } from './errors.ts'
import { type Judge, type JudgeOptions, toAsked } from './judge.ts'
import type { CoreSettings } from './options.ts'
import { ANSWER_MS, createRequestFacts } from './same-request.ts'
import { createCheckToolCall } from './tool-call.ts'

/** Decides whether a chain of grants or a delegated token is valid now. Rejects with VerificationError. */
export type JudgeDelegated = (text: string, wanted: ChainDemands) => Promise<Delegation>

/** Options of {@link createJudgeDelegated}. */
export interface JudgeDelegatedOptions extends Omit<JudgeOptions, 'ends' | 'askAbout'> {
  readonly follower: Follower | undefined
  readonly ask: Ask
  readonly verifyGenuine: GenuineDelegated
  readonly refuse: Judge['refuse']
}

/** Why a chain or a delegated token is refused. */
interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
  /** What would be right, if a grant is refused, or the chain or token as a whole. */
  readonly rule?: string | undefined
}

/**
 * Makes the judge of chains and delegated tokens. It checks signatures, clock, demands, the proof, the arguments of
 * the call, and then again what can change at any time, because replay store and arguments may have needed seconds:
 * revocations come last. It reads the arguments only for a sender that holds the last key.
 */
export function createJudgeDelegated(options: JudgeDelegatedOptions): JudgeDelegated {
  const { settings, counts, checkBound, verifyGenuine } = options
  const refuse = ({ reason, hop, cause, rule, detail }: Refusal): never => {
    const place = hop === undefined ? '' : `at hop ${hop}, `
    return options.refuse(reason, { hop, cause, detail: rule === undefined ? detail : place + rule })
  }
  const refuseIf = (refusal: Refusal | undefined): void => {
    if (refusal !== undefined) refuse(refusal)
  }
  const checkNow = createCheckNow(options)
  const checkToolCall = createCheckToolCall(settings)
  const checkEnds = createCheckEnds(options, checkNow)
  return async (text, wanted) => {
    const { dpop } = wanted
    // Without a proof, a chain is never valid, so its signatures need not be checked.
    if (typeof dpop !== 'object' && isChain(text)) return refuse({ reason: 'PROOF_REQUIRED' })
    // A holder of a root can make any number of new chains, which cost up to 16 signature checks each.
    const verified = await verifyGenuine(text, (above) => {
      const refusal =
        checkNow(above, present()) ??
        above.checkCapabilities(wanted) ??
        checkParties(settings, above, wanted, present()) ??
        (typeof dpop === 'object' ? checkProofClaims(text, dpop, present(), settings.skewS) : undefined)
      return refusal && { hop: undefined, ...refusal, ok: false as const }
    })
    if (!verified.ok) return refuse(verified)
    const { authority } = verified
    refuseIf(
      checkNow(authority, present()) ??
        authority.checkCapabilities(wanted) ??
        checkParties(settings, authority, wanted, present()),
    )
    // The proof must be of the key of the one who acts. A middle holder has handed its authority on.
    const { jkt } = authority
    refuseIf(await checkBound(text, jkt === undefined ? {} : { cnf: { jkt } }, dpop, present()))
    const read = await readArguments(wanted)
    if ('reason' in read) return refuse(read)
    refuseIf(authority.checkUses(wanted, read.args))
    refuseIf(await checkToolCall(authority, wanted, read.args))
    refuseIf(
      await checkEnds(authority, wanted, askAboutAuthority(text, authority, toAsked(settings, wanted), read.args)),
    )
    counts.add('VALID')
    return toDelegation(authority, wanted)
  }
}

/** Checks what can change at any time: whether the verifier is closed, and the clock. */
type CheckNow = (authority: DelegatedAuthority, now: Moment) => Refusal | undefined

function createCheckNow({ settings, follower, isClosed }: JudgeDelegatedOptions): CheckNow {
  return (authority, { wall }) => {
    if (isClosed()) return { reason: 'VERIFIER_CLOSED' }
    // The follower may have forgotten the record that ended a grant, as for tokens. The last grant expires first.
    if (follower !== undefined && !(authority.exp > follower.forgottenThroughS)) {
      const [reason, last] = authority.chain
        ? (['GRANT_EXPIRED', authority.parties.length - 1] as const)
        : (['TOKEN_EXPIRED', undefined] as const)
      return { reason, hop: last, rule: 'it must not have expired before' }
    }
    return authority.checkTimes(Math.floor(wall / 1_000), settings.skewS)
  }
}

/** Checks revocations, and the clock again. Asks the issuer if the knowledge of revocations is stale. */
function createCheckEnds({ settings, follower, ask }: JudgeDelegatedOptions, checkNow: CheckNow) {
  const valid = createRequestFacts(ANSWER_MS)
  const checkKnown = (authority: DelegatedAuthority): Refusal | undefined => {
    const now = checkNow(authority, present())
    if (now !== undefined || follower === undefined) return now
    for (const { hop, token } of authority.lookups()) {
      const reason = follower.lookup(token)
      if (reason === undefined) continue
      // A token for a user has a consent instead of grants.
      const isOfGrant = hop !== undefined && authority.userOperatorId === undefined
      return { reason, hop, rule: isOfGrant ? 'the grant must not have ended' : undefined }
    }
    return undefined
  }
  return async (
    authority: DelegatedAuthority,
    { dpop }: ChainDemands,
    question: Question,
  ): Promise<Refusal | undefined> => {
    const known = checkKnown(authority)
    if (known !== undefined || follower === undefined || follower.ageMs(present()) <= settings.maxStalenessMs)
      return known
    if (settings.onStale !== 'ask') return { reason: 'REVOCATIONS_STALE' }
    // The issuer accepts the proof of a request once, but several guards may protect the request.
    const id = [authority.claims?.jti, ...authority.parties.map((party) => party.id)].join(' ')
    if (!valid.has(dpop, id)) {
      const reason = await ask(question).catch((cause: unknown): Refusal => ({ reason: 'REVOCATIONS_STALE', cause }))
      if (reason !== undefined) return typeof reason === 'string' ? { reason } : reason
    }
    const later = checkKnown(authority)
    if (later === undefined) valid.add(dpop, id)
    return later
  }
}

/**
 * Checks whose authority is used, who is a party of the delegation, whether the issuer may say so, and what it states
 * about the agent that acts.
 */
function checkParties(
  settings: CoreSettings,
  authority: DelegatedAuthority,
  { actors, attestation }: ChainDemands,
  { wall }: Moment,
): Refusal | undefined {
  const refusal = checkNamespace(settings, authority) ?? checkLifetime(settings, authority)
  if (refusal !== undefined) return refusal
  const { operators } = settings
  return (
    checkHolders(authority, { operators, actors }) ??
    checkAttestation(authority, attestation, operators, Math.floor(wall / 1_000))
  )
}

/** Of several issuers, each may speak only for its own domains. That the principal has none of these is said later. */
function checkNamespace({ issuer, ownerOf }: CoreSettings, { parties }: DelegatedAuthority): Refusal | undefined {
  if (ownerOf === undefined) return undefined
  const hop = parties.findIndex(({ did }, index) => (ownerOf(did) ?? (index === 0 ? issuer : undefined)) !== issuer)
  const rule = 'the holder must be an agent of a domain that is listed for the issuer'
  return hop === -1 ? undefined : { reason: 'SUBJECT_OUTSIDE_NAMESPACE', hop, rule }
}

/** No grant expires after the first one, so its lifetime bounds that of the chain. */
function checkLifetime({ maxTokenTtlS }: CoreSettings, { chain, claims }: DelegatedAuthority): Refusal | undefined {
  const { iat, exp } = claims ?? chain.hops[0] ?? { iat: Number.NEGATIVE_INFINITY, exp: 0 }
  const rule = `the lifetime must be at most ${maxTokenTtlS} s`
  return exp - iat > maxTokenTtlS ? { reason: 'LIFETIME_TOO_LONG', hop: chain && 0, rule } : undefined
}

async function readArguments({ readArguments: read }: ChainDemands): Promise<{ readonly args: Arguments } | Refusal> {
  try {
    const args = await read?.()
    // A copy, so that all grants see the same values.
    const sent = isPlainObject(args) ? Object.entries(args).filter(([, value]) => value !== undefined) : undefined
    return { args: sent === undefined ? args : Object.fromEntries(sent) }
  } catch (cause) {
    return { reason: 'ARGUMENTS_NEEDED', detail: 'the API could not read the arguments of this request', cause }
  }
}
