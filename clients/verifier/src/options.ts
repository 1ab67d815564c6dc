import { createReplayMemory, type ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER, type AssertionSigner } from '@auth4agent/core/identity/assertion'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import type { RevocationFeed } from '@auth4agent/core/revocation/feed'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import { isDomain } from './chain-wanted.ts'
import type { Fetch } from './http.ts'
import { type Address, readAddress } from './public-address.ts'

/**
 * How a verifier follows revocations:
 *
 * - `operatorId` and `key`: it reads the issuer's log as this operator, with a new assertion for each connection. Any
 *   active operator can read the log. The log shows other operators only as ids.
 * - `authorization`: it reads the issuer's log with an Authorization header that you make.
 * - a {@link RevocationFeed}: it reads the log over another transport.
 * - `'none'`: it does not follow revocations. A token is then valid until it expires.
 *
 * @example
 *
 * ```ts
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const revocations = { operatorId: '6f9619ff-8b86-8011-8b42-00cf4fc964ff', key: await readKeyFile('root.key') }
 * ```
 */
export type Revocations =
  | { readonly operatorId: string; readonly key: AssertionSigner }
  | { readonly authorization: () => Promise<string> }
  | RevocationFeed
  | 'none'

/** A replay store that may know its size. */
type Replays = ReplayStore & { readonly size?: number | undefined }

/** Options of {@link createVerifier}. Times are in seconds. */
export interface VerifierOptions {
  /** The issuer whose tokens are accepted, as tokens name it in `iss`. It must be https, except on loopback. */
  readonly issuer: string
  /** This service, as URLs or host names. A token must name one of them in `aud`. */
  readonly audience: string | readonly string[]
  /**
   * The address of this service as its clients know it (RFC 9728 `resource`), in normal form. A token may also name it
   * in `aud`. Refusals then name the address of the metadata, which `serveMetadata` serves.
   */
  readonly resource?: string | undefined
  /**
   * The URL below which clients send their requests: an origin, with the path prefix that a proxy removes, if any.
   * DPoP proofs must be for URLs below it. The default is the origin of `resource`, or of the audiences that are URLs
   * if they all have the same.
   */
  readonly publicUrl?: string | undefined
  /**
   * Operators whose agents are trusted, by domain or id. Choose them with care: each operator defines the meaning of
   * its scopes. 'any' trusts all operators of the issuer.
   */
  readonly operators: readonly string[] | 'any'
  /** How to follow revocations. */
  readonly revocations: Revocations
  /**
   * How old the knowledge of revocations may be. The default is 5. The least value is 2, because the server sends a
   * heartbeat each second.
   */
  readonly maxStaleness?: number | undefined
  /** What to do when the knowledge is older: refuse tokens (the default), or ask the issuer about each token. */
  readonly onStale?: 'refuse' | 'ask' | undefined
  /**
   * How long the verifier uses keys that it cannot fetch again. The default is a day. With revocations 'none' it is an
   * hour, because then only the JWKS shows that a key is compromised.
   */
  readonly maxJwksAge?: number | undefined
  /** By how much clocks may differ: 0 to 60; 10 by default. */
  readonly clockSkew?: number | undefined
  /** How many verified tokens are remembered; 20,000 by default. */
  readonly cacheSize?: number | undefined
  /** 'required' accepts only tokens that are bound to a key, each with a DPoP proof (RFC 9449). */
  readonly dpop?: 'required' | undefined
  /**
   * Records the DPoP proofs that were used. The default is a memory of this process for 200,000 proofs. Several
   * processes of one service need a shared store, or each of them accepts a proof once. The metrics show its `size`.
   */
  readonly replays?: Replays | undefined
  /** Used instead of the platform's fetch. */
  readonly fetch?: Fetch | undefined
  /**
   * Called with each problem in the background. Without this option, `console.warn` gets each different problem once
   * per outage.
   */
  readonly onProblem?: ((error: unknown) => void) | undefined
}

/** The options, checked and with defaults. */
export interface Settings extends Address {
  readonly issuer: string
  /** Empty if every operator is trusted. */
  readonly operators: readonly string[]
  readonly revocations: Revocations
  readonly maxStalenessMs: number
  readonly onStale: 'refuse' | 'ask'
  readonly maxJwksAgeMs: number
  readonly skewS: number
  readonly cacheSize: number
  readonly dpop: 'required' | undefined
  readonly replays: Replays
  readonly fetch: Fetch
  readonly onProblem: ((error: unknown) => void) | undefined
}

const NAMES: Names<VerifierOptions> = {
  issuer: true,
  audience: true,
  resource: true,
  publicUrl: true,
  operators: true,
  revocations: true,
  maxStaleness: true,
  onStale: true,
  maxJwksAge: true,
  clockSkew: true,
  cacheSize: true,
  dpop: true,
  replays: true,
  fetch: true,
  onProblem: true,
}
const MAX_LISTED = 64
const JWKS_AGE_S = { followed: 86_400, alone: 3_600 }

/** Checks the options. Throws TypeError for an option that is missing or wrong. A missing option never means "any". */
export function readOptions(options: VerifierOptions): Settings {
  refuseUnknownNames('option', options, NAMES)
  const { issuer, revocations, onStale = 'refuse', fetch = globalThis.fetch, onProblem } = options
  if (!isIssuer(issuer))
    throw new TypeError(
      'issuer must be an https address (http on loopback) in lower case, without trailing slash, query or user',
    )
  if (onStale !== 'refuse' && onStale !== 'ask') throw new TypeError("onStale must be 'refuse' or 'ask'")
  const isAlone = revocations === 'none'
  if (!isAlone && !isFollowable(revocations)) {
    throw new TypeError("revocations must be { operatorId, key }, { authorization }, a feed, or 'none'")
  }
  return {
    issuer,
    ...readAddress(options, readDemandedAudiences(options.audience)),
    operators: readOperators(options.operators),
    revocations,
    maxStalenessMs: readNumber('maxStaleness', options.maxStaleness ?? 5, 2, 3_600) * 1_000,
    onStale,
    maxJwksAgeMs:
      readNumber('maxJwksAge', options.maxJwksAge ?? JWKS_AGE_S[isAlone ? 'alone' : 'followed'], 1, 604_800) * 1_000,
    skewS: readNumber('clockSkew', options.clockSkew ?? 10, 0, 60),
    cacheSize: readNumber('cacheSize', options.cacheSize ?? 20_000, 0, 10_000_000),
    dpop: options.dpop === undefined ? undefined : readRequired(options.dpop),
    replays: options.replays === undefined ? createReplayMemory() : readReplays(options.replays),
    fetch,
    onProblem,
  }
}

function readOperators(operators: unknown): readonly string[] {
  if (operators === 'any') return []
  const texts = readTexts('operators', operators)
  const wrong = texts.find((text) => !isUuid(text) && !isDomain(text))
  if (wrong !== undefined)
    throw new TypeError(`operators must be domains or ids in lower case, or 'any', not ${JSON.stringify(wrong)}`)
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

/** Reads the option `dpop`. Throws TypeError for other values than 'required'. */
export function readRequired(dpop: unknown): 'required' {
  if (dpop === 'required') return dpop
  throw new TypeError("dpop must be 'required', or must be left out")
}

function readReplays(replays: Replays): Replays {
  if (typeof replays.use === 'function') return replays
  throw new TypeError('replays must have a function use(id, expiresAtS)')
}

function readTexts(name: string, value: unknown): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : []
  const read = texts.filter((text): text is string => typeof text === 'string' && text !== '')
  if (read.length === 0 || read.length !== texts.length || read.length > MAX_LISTED) {
    throw new TypeError(`${name} must be a list of 1 to ${MAX_LISTED} non-empty strings`)
  }
  return read
}

function readNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value
  throw new TypeError(`${name} must be a number from ${least} to ${most}`)
}

/**
 * Returns whether a text is an issuer in the one form that the server accepts. Any other form would match no token.
 */
function isIssuer(issuer: unknown): issuer is string {
  if (typeof issuer !== 'string' || /[?#@]/.test(issuer) || !URL.canParse(issuer)) return false
  return new URL(issuer).href.replace(/\/$/, '') === issuer && isSecureUrl(issuer)
}
