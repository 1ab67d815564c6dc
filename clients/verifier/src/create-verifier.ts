import { deferred } from '@auth4agent/core/async/waiting'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import { expectNode } from '@auth4agent/core/platform/node-version'
import { checkSigned, type ReadToken, readAccessToken, type VerificationKey } from '@auth4agent/core/token/access-token'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { createTokenCache } from '@auth4agent/core/token/token-cache'
import { createAsk } from './ask.ts'
import { VerificationError } from './errors.ts'
import { followRevocations } from './follower.ts'
import { createJudge, type Genuine, toGenuine } from './judge.ts'
import { createKeyStore } from './key-store.ts'
import { createCounts, type Metrics } from './metrics.ts'
import { readOptions, type Settings, type VerifierOptions } from './options.ts'
import { createProblems, type Need, type ReadyOptions } from './problems.ts'
import { createLocate, feedOf } from './sources.ts'
import { createRequirements, type Wanted } from './wanted.ts'

/** Verifies access tokens of one issuer, offline. */
export interface Verifier {
  /** The options it was made of, checked. */
  readonly settings: Settings
  /**
   * Resolves with the claims of a token that is valid and good for what is wanted. Rejects with VerificationError for any other, whatever
   * it is; with TypeError when what is wanted makes no sense. The claims are frozen: whoever sends the token again gets the same.
   */
  verify(token: string, wanted?: Wanted): Promise<AccessTokenClaims>
  /**
   * Resolves once it has the keys and knows what has been revoked. Rejects with SetupError for a problem that waiting does not mend, such
   * as a key that the issuer refuses, and after `timeout` seconds; with VerificationError when it is closed; with the signal's reason.
   * A connection that is refused, a timeout or a 5xx may pass: it goes on waiting. Whatever `ready` did, the verifier goes on trying.
   */
  ready(options?: ReadyOptions): Promise<void>
  metrics(): Metrics
  /** Ends what it does in the background. It refuses all tokens from then on. */
  close(): void
  [Symbol.dispose](): void
}

/** Makes a verifier, which begins at once to fetch keys and to follow the log. Throws TypeError for options that are wrong, Error where Node is too old. */
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
  const { judge, refuse } = createJudge({ settings, follower, ask, counts, isClosed: () => isClosed })
  const closing = deferred<never>()
  closing.promise.catch(() => undefined)
  const toRequirements = createRequirements({ audience, operators, scope: [] })
  const seen = createTokenCache<Genuine>(settings.cacheSize)

  const judgeNew = (text: string, read: ReadToken, key: VerificationKey, wanted: Requirements, now = present()) => {
    const genuine = checkSigned(read, settings.issuer, key)
    if ('verdict' in genuine) return refuse(genuine.verdict)
    const token = toGenuine(genuine.claims, key)
    const answer = judge(text, token, wanted, now)
    // Of those that are refused there may be any number. One that the issuer was asked about may be asked about again.
    if (!(answer instanceof Promise)) seen.set(text, token)
    return answer
  }
  const findAndJudge = async (text: string, read: ReadToken, wanted: Requirements) => {
    const { kid } = read.jws.header
    const key = await keys.find(kid).catch((error: unknown) => refuse('KEYS_UNAVAILABLE', error))
    return key === undefined ? refuse('UNKNOWN_KEY') : judgeNew(text, read, key, wanted)
  }
  const verifyNew = (text: unknown, wanted: Requirements, now: Moment) => {
    if (typeof text !== 'string') return refuse('MALFORMED_TOKEN')
    const read = readAccessToken(text)
    if ('verdict' in read) return refuse(read.verdict)
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
      const requirements = toRequirements(wanted)
      if (isClosed) return refuse('VERIFIER_CLOSED')
      // Whoever has no types may send anything.
      const before = typeof token === 'string' ? seen.get(token) : undefined
      const now = present()
      if (before !== undefined && keys.holds(before.key, now)) return judge(token, before, requirements, now)
      return verifyNew(token, requirements, now)
    },
    ready: (options) =>
      problems.untilReady(() => Promise.race([closing.promise, Promise.all([keys.ready, follower?.ready])]), options),
    metrics: () => ({
      stalenessSeconds: follower === undefined ? undefined : follower.ageMs(present()) / 1_000,
      records: follower?.size ?? 0,
      keys: keys.size,
      keysAgeSeconds: keys.ageMs / 1_000,
      rememberedTokens: seen.size,
      verifications: counts.all(),
    }),
    close,
    [Symbol.dispose]: close,
  }
}
