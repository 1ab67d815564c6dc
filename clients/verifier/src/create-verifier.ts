import { deferred } from '@auth4agent/core/async/waiting'
import { createGenuineChains } from '@auth4agent/core/delegation/genuine-chains'
import { createGenuineDelegated } from '@auth4agent/core/delegation/genuine-delegated'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import { expectNode } from '@auth4agent/core/platform/node-version'
import { followRevocations } from '@auth4agent/core/revocation/follower'
import { checkSigned, type ReadToken, readAccessToken, type VerificationKey } from '@auth4agent/core/token/access-token'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { createTokenCache } from '@auth4agent/core/token/token-cache'
import { createAsk } from './ask.ts'
import { createCheckBound } from './bound-tokens.ts'
import { readChainDemands, type WantedOfChain } from './chain-wanted.ts'
import type { Delegation } from './delegation.ts'
import { VerificationError } from './errors.ts'
import { createJudge, type Genuine, toGenuine } from './judge.ts'
import { createJudgeDelegated } from './judge-chain.ts'
import { createKeyStore } from './key-store.ts'
import { createCounts, type Metrics } from './metrics.ts'
import { readOptions, type Settings, type VerifierOptions } from './options.ts'
import { createProblems, type Need, type ReadyOptions } from './problems.ts'
import { createLocate, feedOf } from './sources.ts'
import { createDemands, type Demands, type Wanted } from './wanted.ts'

/** A remembered grant takes some 20 kB, and a delegated token 5 to 40 kB, far more than another token. */
const MAX_DELEGATED = 2_000

/** Verifies the access tokens, the delegated tokens and the chains of grants of one issuer, offline. */
export interface Verifier {
  /** The options, checked and with defaults. */
  readonly settings: Settings
  /**
   * Resolves with the claims of a token that is valid and meets the requirements in `wanted`. The claims are frozen,
   * because later calls with the same token get the same object.
   *
   * A token that is bound to a key (RFC 9449) is valid only with the DPoP proof of its request, `wanted.dpop`. Each
   * proof is accepted once.
   *
   * Rejects with VerificationError for any other input, and with TypeError if `wanted` is invalid.
   *
   * @example
   *
   * ```ts
   * import { VerificationError } from '@auth4agent/verifier'
   *
   * try {
   *   const claims = await verifier.verify(token, { scope: 'orders:read' })
   *   console.log(claims.sub)
   * } catch (error) {
   *   if (!(error instanceof VerificationError)) throw error
   *   console.log(error.reason, error.isTemporary)
   * }
   * ```
   */
  verify(token: string, wanted?: Wanted): Promise<AccessTokenClaims>
  /**
   * Resolves with who acts for whom, if a chain of grants or a delegated token is valid and allows a call with the
   * requirements in `wanted`. The DPoP proof in `wanted.dpop` is needed, by the agent that acts and for the whole
   * text. `verify` refuses both with DELEGATION_NOT_ACCEPTED, because the agent that sends one acts for another agent.
   *
   * Rejects with VerificationError for any other input, and with TypeError if `wanted` is invalid or has no scope.
   *
   * @example
   *
   * ```ts
   * const { principal, actor } = await verifier.verifyDelegated(chain, {
   *   scope: 'pay',
   *   arguments: () => ({ amount: 20 }),
   *   dpop: { proof, method: 'POST', url: 'https://api.example.com/pay' },
   * })
   * console.log(`${actor} pays for ${principal}`)
   * ```
   */
  verifyDelegated(text: string, wanted: WantedOfChain): Promise<Delegation>
  /**
   * Resolves when the verifier has the keys and the revocation log. Keeps waiting during temporary problems: a refused
   * connection, a timeout, a 5xx.
   *
   * Rejects with SetupError for a problem that waiting does not solve, such as a refused key, and after `timeout`
   * seconds. Rejects with VerificationError if the verifier is closed, and with the signal's reason when the signal
   * aborts. The verifier keeps trying in the background until it is closed.
   *
   * @example
   *
   * ```ts
   * await verifier.ready({ timeout: 30 })
   * server.listen(8443)
   * ```
   */
  ready(options?: ReadyOptions): Promise<void>
  /** Returns the current metrics. {@link toPrometheus} formats them. */
  metrics(): Metrics
  /** Stops all work in the background. After that, `verify` rejects every token with VERIFIER_CLOSED. */
  close(): void
  [Symbol.dispose](): void
}

/**
 * Creates a verifier, which at once starts to fetch the keys and to follow the revocation log.
 *
 * Throws TypeError for invalid options, and Error if Node is too old.
 *
 * @example
 *
 * ```ts
 * import { createVerifier } from '@auth4agent/verifier'
 *
 * const verifier = createVerifier({
 *   issuer: 'https://auth.example.com',
 *   audience: 'https://api.example.com',
 *   operators: ['agents.example.com'],
 *   revocations: { operatorId, key },
 * })
 * await verifier.ready()
 * const claims = await verifier.verify(token, { scope: 'orders:read' })
 * ```
 */
export function createVerifier(options: VerifierOptions): Verifier {
  expectNode('@auth4agent/verifier')
  const settings = readOptions(options)
  const { audience, operators, fetch, maxStalenessMs, maxJwksAgeMs } = settings
  const locate = createLocate(settings)
  const problems = createProblems(settings.issuer, settings.onProblem)
  const hear = (need: Need) => ({
    onProblem: (error: unknown) => problems.report(need, error),
    onSuccess: () => problems.settle(need),
  })
  const locateKeys = async () => (await locate()).jwks
  const keys = createKeyStore({ fetch, locate: locateKeys, maxAgeMs: maxJwksAgeMs, ...hear('keys') })
  const feed = feedOf(settings, locate)
  const skewMs = settings.skewS * 1_000
  const follower = feed && followRevocations({ feed, keys, maxStalenessMs, skewMs, ...hear('revocations') })
  const counts = createCounts()
  const ask = createAsk(fetch, async () => (await locate()).verify)
  let isClosed = false
  const checkBound = createCheckBound(settings)
  const judging = { settings, follower, checkBound, ask, counts, isClosed: () => isClosed }
  const { judge, refuse } = createJudge(judging)
  const closing = deferred<never>()
  closing.promise.catch(() => undefined)
  const toDemands = createDemands({ audience, operators, scope: [], dpop: settings.dpop })
  const seen = createTokenCache<Genuine>(settings.cacheSize)
  const findKey = (kid: string) => keys.find(kid).catch((cause: unknown) => refuse('KEYS_UNAVAILABLE', { cause }))
  const rules = { issuer: settings.issuer, keys: { find: findKey, findNow: findKey } }
  const capacity = Math.min(settings.cacheSize, MAX_DELEGATED)
  const verifyGenuine = createGenuineDelegated(createGenuineChains(rules, capacity), rules, capacity)
  const judgeDelegated = createJudgeDelegated({ ...judging, refuse, verifyGenuine })

  const judgeNew = (text: string, read: ReadToken, key: VerificationKey, wanted: Demands, now = present()) => {
    const genuine = checkSigned(read, settings.issuer, key)
    if ('verdict' in genuine) return refuse(genuine.verdict)
    const token = toGenuine(genuine.claims, key)
    const answer = judge(text, token, wanted, now)
    // Remembers only accepted tokens: the number of refused tokens has no limit, and a token that the issuer was asked
    // about must not be accepted without asking again.
    if (!(answer instanceof Promise)) seen.set(text, token)
    return answer
  }
  const findAndJudge = async (text: string, read: ReadToken, wanted: Demands) => {
    const key = await findKey(read.jws.header.kid)
    return key === undefined ? refuse('UNKNOWN_KEY') : judgeNew(text, read, key, wanted)
  }
  const verifyNew = (text: unknown, wanted: Demands, now: Moment) => {
    if (typeof text !== 'string') return refuse('MALFORMED_TOKEN')
    const read = readAccessToken(text)
    if ('verdict' in read) return refuse(isChain(text) ? 'DELEGATION_NOT_ACCEPTED' : read.verdict)
    const key = keys.peek(read.jws.header.kid, now)
    return key === undefined ? findAndJudge(text, read, wanted) : judgeNew(text, read, key, wanted, now)
  }
  const close = () => {
    isClosed = true
    keys.close()
    follower?.close()
    closing.reject(new VerificationError('VERIFIER_CLOSED'))
  }
  return {
    settings,
    async verify(token, wanted) {
      const demands = toDemands(wanted)
      if (isClosed) return refuse('VERIFIER_CLOSED')
      // A caller in JavaScript may pass a value that is not a string.
      const before = typeof token === 'string' ? seen.get(token) : undefined
      const now = present()
      if (before !== undefined && keys.holds(before.key, now)) return judge(token, before, demands, now)
      return verifyNew(token, demands, now)
    },
    async verifyDelegated(text, wanted) {
      const demands = readChainDemands(wanted, toDemands)
      if (isClosed) return refuse('VERIFIER_CLOSED')
      // A caller in JavaScript may pass a value that is not a string.
      return typeof text === 'string' ? judgeDelegated(text, demands) : refuse('MALFORMED_TOKEN')
    },
    ready: (options) =>
      problems.untilReady(() => Promise.race([closing.promise, Promise.all([keys.ready, follower?.ready])]), options),
    metrics: () => ({
      stalenessSeconds: follower === undefined ? undefined : follower.ageMs(present()) / 1_000,
      records: follower?.size ?? 0,
      keys: keys.size,
      keysAgeSeconds: keys.ageMs / 1_000,
      rememberedTokens: seen.size,
      rememberedProofs: settings.replays.size,
      verifications: counts.all(),
    }),
    close,
    [Symbol.dispose]: close,
  }
}
