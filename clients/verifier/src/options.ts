import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER, type AssertionSigner } from '@auth4agent/core/identity/assertion'
import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import type { RevocationFeed } from './feed.ts'
import type { Fetch } from './http.ts'

/**
 * How a verifier hears of revocations: over the issuer's feed, as an operator (any active one: the log names no more of others than
 * ids) that signs an assertion for each connection or makes the Authorization header itself; over another way to the same log; or,
 * said so by name, not at all: then a token is good until it expires.
 */
export type Revocations =
  | { readonly operatorId: string; readonly key: AssertionSigner }
  | { readonly authorization: () => Promise<string> }
  | RevocationFeed
  | 'none'

/** What a verifier trusts, and how far. Times in seconds. */
export interface VerifierOptions {
  /** The issuer whose tokens are accepted, as they have it in `iss`. https, except on loopback. */
  readonly issuer: string
  /** Who is asked, by URLs or host names as the server takes them: a token must name one of these in `aud`. */
  readonly audience: string | readonly string[]
  /** Operators whose agents are trusted, by domain or id: a scope means only what its operator means by it. 'any' trusts all of the issuer's. */
  readonly operators: readonly string[] | 'any'
  readonly revocations: Revocations
  /** How old what is known of revocations may be; 5 unless told, 2 at least: heartbeats come each second. */
  readonly maxStaleness?: number | undefined
  /** What becomes of tokens when it is older: they are refused, or the issuer is asked about each; 'refuse' unless told. */
  readonly onStale?: 'refuse' | 'ask' | undefined
  /**
   * For how long keys count that cannot be fetched again. A day unless told; an hour without revocations, for then nothing else tells of a
   * compromised key.
   */
  readonly maxJwksAge?: number | undefined
  /** How far clocks may differ, 0 to 60; 10 unless told. */
  readonly clockSkew?: number | undefined
  /** How many tokens are remembered; 20,000 unless told. */
  readonly cacheSize?: number | undefined
  /** Instead of the platform's own. */
  readonly fetch?: Fetch | undefined
  /** Hears of each problem in the background. Without it `console.warn` gets each different problem once per outage. */
  readonly onProblem?: ((error: unknown) => void) | undefined
}

/** The options, checked. */
export interface Settings {
  readonly issuer: string
  readonly audience: readonly string[]
  /** Empty for any. */
  readonly operators: readonly string[]
  readonly revocations: Revocations
  readonly maxStalenessMs: number
  readonly onStale: 'refuse' | 'ask'
  readonly maxJwksAgeMs: number
  readonly skewS: number
  readonly cacheSize: number
  readonly fetch: Fetch
  readonly onProblem: ((error: unknown) => void) | undefined
}

const NAMES: Names<VerifierOptions> = {
  issuer: true,
  audience: true,
  operators: true,
  revocations: true,
  maxStaleness: true,
  onStale: true,
  maxJwksAge: true,
  clockSkew: true,
  cacheSize: true,
  fetch: true,
  onProblem: true,
}
const MAX_LISTED = 64
const JWKS_AGE_S = { followed: 86_400, alone: 3_600 }

/** Checks the options. Throws TypeError for what is missing or no such thing: what is not said is never taken for "any". */
export function readOptions(options: VerifierOptions): Settings {
  refuseUnknownNames('option', options, NAMES)
  const { issuer, revocations, onStale = 'refuse', fetch = globalThis.fetch, onProblem } = options
  if (!isIssuer(issuer))
    throw new TypeError(
      'issuer must be an https address (http on loopback) in lower case, without a slash behind, a query or a user',
    )
  if (onStale !== 'refuse' && onStale !== 'ask') throw new TypeError("onStale must be 'refuse' or 'ask'")
  const isAlone = revocations === 'none'
  if (!isAlone && !isFollowable(revocations)) {
    throw new TypeError("revocations must say how to hear of them, with an operator's id and key, or 'none'")
  }
  return {
    issuer,
    audience: readDemandedAudiences(options.audience),
    operators: readOperators(options.operators),
    revocations,
    maxStalenessMs: readNumber('maxStaleness', options.maxStaleness ?? 5, 2, 3_600) * 1_000,
    onStale,
    maxJwksAgeMs:
      readNumber('maxJwksAge', options.maxJwksAge ?? JWKS_AGE_S[isAlone ? 'alone' : 'followed'], 1, 604_800) * 1_000,
    skewS: readNumber('clockSkew', options.clockSkew ?? 10, 0, 60),
    cacheSize: readNumber('cacheSize', options.cacheSize ?? 20_000, 0, 10_000_000),
    fetch,
    onProblem,
  }
}

function readOperators(operators: unknown): readonly string[] {
  if (operators === 'any') return []
  const texts = readTexts('operators', operators)
  const wrong = texts.find((text) => !isUuid(text) && parseDid(`did:agent:${text}:${'0'.repeat(32)}`) === undefined)
  if (wrong !== undefined) throw new TypeError(`operators must be domains or ids in lower case, or 'any': ${wrong}`)
  return texts
}

function isFollowable(revocations: unknown): boolean {
  if (typeof revocations !== 'object' || revocations === null) return false
  if ('open' in revocations) return typeof revocations.open === 'function'
  if ('authorization' in revocations) {
    refuseUnknownNames('option of revocations', revocations, { authorization: true })
    return typeof revocations.authorization === 'function'
  }
  refuseUnknownNames('option of revocations', revocations, { operatorId: true, key: true })
  const { operatorId, key }: { operatorId?: unknown; key?: unknown } = revocations
  const isParty = typeof operatorId === 'string' && (isUuid(operatorId) || operatorId === ADMIN_ISSUER)
  return isParty && typeof key === 'object' && key !== null && 'publicKey' in key && 'sign' in key
}

function readTexts(name: string, value: unknown): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : []
  const read = texts.filter((text): text is string => typeof text === 'string' && text !== '')
  if (read.length === 0 || read.length !== texts.length || read.length > MAX_LISTED) {
    throw new TypeError(`${name} must be 1 to ${MAX_LISTED} texts that are not empty`)
  }
  return read
}

function readNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value
  throw new TypeError(`${name} must be ${least} to ${most}`)
}

/** As a server takes it for its own: written in the one form that it is compared in, so that another is not waited for in vain. */
function isIssuer(issuer: unknown): issuer is string {
  if (typeof issuer !== 'string' || /[?#@]/.test(issuer) || !URL.canParse(issuer)) return false
  return new URL(issuer).href.replace(/\/$/, '') === issuer && isSecureUrl(issuer)
}
