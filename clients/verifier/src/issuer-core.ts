import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import { type Follower, followRevocations } from '@auth4agent/core/revocation/follower'
import { checkSigned, type ReadToken, type VerificationKey } from '@auth4agent/core/token/access-token'
import { admitClaims } from './admit-claims.ts'
import { askAboutToken, createAsk } from './ask.ts'
import type { CheckBound } from './bound-tokens.ts'
import { type Answer, createJudge, endsOf, type Genuine, type Judge, toAsked, toGenuine } from './judge.ts'
import { createJudgeDelegated, type JudgeDelegated } from './judge-chain.ts'
import type { AddIssuer } from './key-holders.ts'
import { createKeyStore } from './key-store.ts'
import { createCounts, type IssuerMetrics } from './metrics.ts'
import type { CoreSettings } from './options.ts'
import { createProblems, type Need, type ReadyOptions } from './problems.ts'
import { createRootKeyLook } from './root-key.ts'
import { createLocate, feedOf } from './sources.ts'
import { createListEnds, openStatusLists } from './status-ends.ts'
import type { Demands } from './wanted.ts'

const UNMAPPED = 'the scopes of its issuer are mapped, but the names of capabilities are not'
const NOT_LISTED = 'a status list does not show the ends of all that take part'

/** The part of a verifier that knows one issuer: its keys, its revocations, and how far it is trusted. */
export interface IssuerCore {
  /** Returns whether the key of a token that was verified earlier may still be used. */
  holds(token: Genuine, now: Moment): boolean
  readonly judge: Judge['judge']
  /** Verifies a token that names this issuer. Throws or rejects with VerificationError. */
  verifyNew(text: string, read: ReadToken, wanted: Demands, now: Moment): Answer
  /** Verifies a chain or a delegated token that names this issuer. */
  readonly judgeDelegated: JudgeDelegated
  readonly refuse: Judge['refuse']
  /** Undefined if the verifier does not follow the log of the issuer. */
  readonly follower: Follower | undefined
  /** Resolves when the keys and the revocation log are there, as `Verifier.ready`. */
  ready(closing: Promise<never>, options: ReadyOptions): Promise<void>
  metrics(): IssuerMetrics
  close(): void
}

/** Options of {@link createIssuerCore}: what all issuers of a verifier share. */
export interface CoreOptions {
  readonly settings: CoreSettings
  readonly checkBound: CheckBound
  readonly addIssuer: AddIssuer
  /** How many grants of this issuer, and how many delegated tokens, are remembered. */
  readonly delegatedCapacity: number
  readonly isClosed: () => boolean
  /** Called for each token that was accepted, so that its signature need not be verified again. */
  readonly remember: (text: string, token: Genuine) => void
}

/** Begins to fetch the keys of an issuer and to follow its revocations. */
export function createIssuerCore(options: CoreOptions): IssuerCore {
  const { settings, checkBound, isClosed, remember } = options
  const { issuer, fetch, maxStalenessMs } = settings
  const locate = createLocate(settings)
  const problems = createProblems(issuer, settings.onProblem)
  const keys = openKeys(options, async () => (await locate()).jwks, problems)
  const { revocations } = settings
  const feed = typeof revocations === 'string' ? undefined : feedOf({ ...settings, revocations }, locate)
  const onRootKey = (warning: Error) => problems.warn(warning)
  const lookAtKey = createRootKeyLook({ revocations, fetch, issuer, locate, isClosed, onRootKey })
  const heard = hear(problems, 'revocations', lookAtKey)
  const follower = feed && followRevocations({ feed, keys, maxStalenessMs, skewMs: settings.skewS * 1_000, ...heard })
  const hearLists = hear(problems, 'status lists')
  const lists = revocations === 'status-list' ? openStatusLists(settings, keys, hearLists) : undefined
  const counts = createCounts()
  const ask = createAsk(fetch, async () => (await locate()).verify)
  const judging = { settings, checkBound, counts, isClosed }
  const { judge, refuse } = createJudge({
    ...judging,
    ends: lists ? createListEnds(lists) : follower && endsOf(follower, maxStalenessMs),
    askAbout: (text, { claims }, wanted) => ask(askAboutToken(text, claims, toAsked(settings, wanted))),
  })
  const findKey = (kid: string) => keys.find(kid).catch((cause: unknown) => refuse('KEYS_UNAVAILABLE', { cause }))
  const rules = { issuer, keys: { find: findKey, findNow: findKey } }
  const capacity = options.delegatedCapacity
  const verifyGenuine = createGenuineDelegated(createGenuineChains(rules, capacity), rules, capacity)
  const judgeDelegated = createJudgeDelegated({ ...judging, follower, ask, refuse, verifyGenuine })

  const judgeNew = (text: string, read: ReadToken, key: VerificationKey, wanted: Demands, now = present()) => {
    const genuine = checkSigned(read, issuer, key)
    if ('verdict' in genuine) return refuse(genuine.verdict)
    const admitted = admitClaims(settings, genuine.claims)
    if ('reason' in admitted) return refuse(admitted.reason, admitted)
    const token = toGenuine({ ...genuine.claims, ...admitted }, key)
    const answer = judge(text, token, wanted, now)
    // Remembers only accepted tokens: the number of refused tokens has no limit, and a token that the issuer was asked
    // about must not be accepted without asking again.
    if (!(answer instanceof Promise)) remember(text, token)
    return answer
  }
  const findAndJudge = async (text: string, read: ReadToken, wanted: Demands) => {
    const key = await findKey(read.jws.header.kid)
    return key === undefined ? refuse('UNKNOWN_KEY') : judgeNew(text, read, key, wanted)
  }
  const noDelegation = settings.scopes === undefined ? lists && NOT_LISTED : UNMAPPED
  return {
    holds: (token, now) => keys.holds(token.key, now),
    judge,
    verifyNew(text, read, wanted, now) {
      const key = keys.peek(read.jws.header.kid, now)
      return key === undefined ? findAndJudge(text, read, wanted) : judgeNew(text, read, key, wanted, now)
    },
    judgeDelegated:
      noDelegation === undefined
        ? judgeDelegated
        : async () => refuse('DELEGATION_NOT_ACCEPTED', { detail: noDelegation }),
    refuse,
    follower,
    ready: (closing, { signal, timeout }) =>
      problems.untilReady(() => Promise.race([closing, Promise.all([keys.ready, follower?.ready])]), {
        signal,
        timeout,
      }),
    metrics: () => ({
      stalenessSeconds: toSeconds(follower?.ageMs(present()) ?? lists?.ageMs()),
      records: follower?.size ?? 0,
      keys: keys.size,
      keysAgeSeconds: keys.ageMs / 1_000,
      verifications: counts.all(),
    }),
    close() {
      keys.close()
      follower?.close()
    },
  }
}

function toSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000
}

type Problems = ReturnType<typeof createProblems>

const hear = (problems: Problems, need: Need, onMet?: () => void) => ({
  onProblem: (error: unknown) => problems.report(need, error),
  onSuccess: () => {
    problems.settle(need)
    onMet?.()
  },
})

/** Opens the store of the issuer's keys. It does not use keys that another issuer of the verifier holds. */
function openKeys({ settings, addIssuer }: CoreOptions, locate: () => Promise<string>, problems: Problems) {
  const { issuer, fetch, maxJwksAgeMs } = settings
  const own = hear(problems, 'own keys')
  const refuseKey = (kid: string, holder: string) =>
    own.onProblem(new Error(`${issuer} publishes the key ${kid}, which ${holder} holds`))
  const choose = addIssuer(issuer, (kid, holder) => {
    keys.end(kid)
    refuseKey(kid, holder)
  })
  const keys = createKeyStore({
    fetch,
    locate,
    maxAgeMs: maxJwksAgeMs,
    choose(published) {
      const { own: usable, held } = choose(published)
      for (const [kid, holder] of held) refuseKey(kid, holder)
      if (held.size === 0) own.onSuccess()
      return usable
    },
    ...hear(problems, 'keys'),
  })
  return keys
}
