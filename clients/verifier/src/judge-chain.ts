import { chainLookups } from '@auth4agent/core/delegation/chain-lookups'
import { checkChainTimes } from '@auth4agent/core/delegation/chain-times'
import type { GenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { checkCapabilities, checkUses } from '@auth4agent/core/delegation/use-chain'
import { isPlainObject } from '@auth4agent/core/encoding/json-value'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import { isGovernedBy } from '@auth4agent/core/token/check-requirements'
import { askAboutChain, type Question } from './ask.ts'
import { checkProofClaims } from './bound-tokens.ts'
import type { Arguments, ChainDemands } from './chain-wanted.ts'
import { type Delegation, toDelegation } from './delegation.ts'
import type { VerificationErrorOptions, VerificationReason } from './errors.ts'
import type { Judge, JudgeOptions } from './judge.ts'
import { createRequestFacts } from './same-request.ts'

/** Decides whether a chain of grants is valid now. Rejects with VerificationError. */
export type JudgeChain = (text: string, wanted: ChainDemands) => Promise<Delegation>

/** Options of {@link createJudgeChain}. */
export interface JudgeChainOptions extends JudgeOptions {
  readonly verifyChain: GenuineChains
  readonly refuse: Judge['refuse']
}

/** Why a chain is refused. */
interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
  /** What would be right, if a grant is refused, or the chain as a whole. */
  readonly rule?: string
}

/**
 * Makes the judge of chains. It checks signatures, clock, demands, the proof, the arguments of the call, and then
 * again what can change at any time, because replay store and arguments may have needed seconds: revocations come
 * last. It reads the arguments only for a sender that holds the chain.
 */
export function createJudgeChain(options: JudgeChainOptions): JudgeChain {
  const { counts, checkBound, verifyChain } = options
  const refuse = ({ reason, hop, cause, rule, detail }: Refusal): never => {
    const place = hop === undefined ? '' : `at hop ${hop}, `
    return options.refuse(reason, { hop, cause, detail: rule === undefined ? detail : place + rule })
  }
  const refuseIf = (refusal: Refusal | undefined): void => {
    if (refusal !== undefined) refuse(refusal)
  }
  const checkNow = createCheckNow(options)
  const checkEnds = createCheckEnds(options, checkNow)
  return async (text, wanted) => {
    // A chain without a proof is never valid, so its signatures need not be checked.
    if (typeof wanted.dpop !== 'object') return refuse({ reason: 'PROOF_REQUIRED' })
    const { dpop } = wanted
    // A holder of a root can make any number of new chains, which cost up to 16 signature checks each.
    const verified = await verifyChain(text, (hops) => {
      const above = { hops }
      const refusal =
        checkNow(above, present()) ??
        checkCapabilities(above, wanted) ??
        checkParties(above, wanted) ??
        checkProofClaims(text, dpop, present(), options.settings.skewS)
      return refusal && { hop: undefined, ...refusal, ok: false as const }
    })
    if (!verified.ok) return refuse(verified)
    const { chain } = verified
    refuseIf(checkNow(chain, present()) ?? checkCapabilities(chain, wanted) ?? checkParties(chain, wanted))
    refuseIf(await checkBound(text, holderOf(chain), wanted.dpop, present()))
    const read = await readArguments(wanted)
    if ('reason' in read) return refuse(read)
    refuseIf(checkUses(chain, wanted, read.args))
    refuseIf(await checkEnds(chain, wanted, askAboutChain(text, chain, wanted, read.args)))
    counts.add('VALID')
    return toDelegation(chain, wanted)
  }
}

/** Checks what can change at any time: whether the verifier is closed, and the clock. */
type CheckNow = (chain: Pick<GenuineChain, 'hops'>, now: Moment) => Refusal | undefined

function createCheckNow({ settings, follower, isClosed }: JudgeOptions): CheckNow {
  return (chain, { wall }) => {
    if (isClosed()) return { reason: 'VERIFIER_CLOSED' }
    // The follower may have forgotten the record that ended a grant, as for tokens. The last grant expires first.
    const last = chain.hops.length - 1
    if (follower !== undefined && !((chain.hops[last]?.exp ?? 0) > follower.forgottenThroughS))
      return { reason: 'GRANT_EXPIRED', hop: last, rule: 'the grant must not have expired before' }
    return checkChainTimes(chain, Math.floor(wall / 1_000), settings.skewS)
  }
}

/** Checks revocations, and the clock again. Asks the issuer if the knowledge of revocations is stale. */
function createCheckEnds({ settings, follower, ask }: JudgeOptions, checkNow: CheckNow) {
  const valid = createRequestFacts()
  const checkKnown = (chain: GenuineChain): Refusal | undefined => {
    const now = checkNow(chain, present())
    if (now !== undefined || follower === undefined) return now
    for (const { hop, token } of chainLookups(chain)) {
      const reason = follower.lookup(token)
      if (reason !== undefined) return { reason, hop, rule: 'the grant must not have ended' }
    }
    return undefined
  }
  return async (chain: GenuineChain, { dpop }: ChainDemands, question: Question): Promise<Refusal | undefined> => {
    const known = checkKnown(chain)
    if (known !== undefined || follower === undefined || follower.ageMs(present()) <= settings.maxStalenessMs)
      return known
    if (settings.onStale !== 'ask') return { reason: 'REVOCATIONS_STALE' }
    // The issuer accepts the proof of a request once, but several guards may protect the request.
    const id = chain.hops.map((hop) => hop.id).join(' ')
    if (!valid.has(dpop, id)) {
      const reason = await ask(question).catch((cause: unknown): Refusal => ({ reason: 'REVOCATIONS_STALE', cause }))
      if (reason !== undefined) return typeof reason === 'string' ? { reason } : reason
    }
    const later = checkKnown(chain)
    if (later === undefined) valid.add(dpop, id)
    return later
  }
}

/** Checks whose authority is used, and who holds a grant of the chain. */
function checkParties({ hops }: Pick<GenuineChain, 'hops'>, { operators, actors }: ChainDemands): Refusal | undefined {
  const [principal] = hops
  if (principal === undefined || !isGovernedBy(operators, principal))
    return { reason: 'OPERATOR_NOT_TRUSTED', hop: 0, rule: 'the holder must be an agent of a trusted operator' }
  if (actors.length === 0) return undefined
  const hop = hops.findIndex(({ did }) => !actors.includes(parseDid(did)?.domain ?? ''))
  const rule = `the holder must be an agent of ${actors.join(' or ')}`
  return hop === -1 ? undefined : { reason: 'ACTOR_NOT_TRUSTED', hop, rule }
}

/** The proof must be of the key of the last holder. A middle holder has handed its authority on. */
function holderOf({ hops }: GenuineChain) {
  return { cnf: { jkt: hops.at(-1)?.jkt ?? '' } }
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
