import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER, type AssertionSigner } from '@auth4agent/core/identity/assertion'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import type { RevocationFeed } from '@auth4agent/core/revocation/feed'
import { MAX_TOKEN_TTL_S } from '@auth4agent/core/token/claims'
import { isDomain } from './chain-wanted.ts'
import { readNumber } from './read-number.ts'
import { readScopeMap, type ScopeMap } from './scope-map.ts'

/**
 * How a verifier follows revocations:
 *
 * - `operatorId` and `key`: it reads the issuer's log as this operator, with a new assertion for each connection. Give
 *   it a key with the role `watch` alone, never a root key. Any active operator can read the log. The log shows other
 *   operators only as ids.
 * - `authorization`: it reads the issuer's log with an Authorization header that you make.
 * - a {@link RevocationFeed}: it reads the log over another transport.
 * - `'status-list'`: it looks each token up in a status list of the issuer, for services that cannot keep a connection
 *   or have no operator. It refuses tokens that name no list, and delegated authority. A token that has ended is
 *   refused after at most the `ttl` of the list, or `maxStaleness` if that is less, plus `clockSkew`.
 * - `'none'`: it does not follow revocations. A token is then valid until it expires.
 *
 * @example
 *
 * ```ts
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const revocations = { operatorId: '6f9619ff-8b86-8011-8b42-00cf4fc964ff', key: await readKeyFile('watch.key') }
 * ```
 */
export type Revocations =
  | { readonly operatorId: string; readonly key: AssertionSigner }
  | { readonly authorization: () => Promise<string> }
  | RevocationFeed
  | 'status-list'
  | 'none'

/** How to follow the revocation log. */
export type Followable = Exclude<Revocations, 'status-list' | 'none'>

/** What a verifier must know about an issuer. Times are in seconds. */
export interface IssuerOptions {
  /** The issuer whose tokens are accepted, as tokens name it in `iss`. It must be https, except on loopback. */
  readonly issuer: string
  /**
   * Operators whose agents are trusted, by domain or id. Choose them with care: each operator defines the meaning of
   * its scopes. 'any' trusts all operators of the issuer.
   */
  readonly operators: readonly string[] | 'any'
  /** How to follow revocations. */
  readonly revocations: Revocations
  /**
   * How old the knowledge of revocations may be. The default is 5. The least value is 2, because the server sends a
   * heartbeat each second. With revocations 'status-list' the default is 3600, so the `ttl` of each list decides.
   * The age of a list counts from its `iat`.
   */
  readonly maxStaleness?: number | undefined
  /** What to do when the knowledge is older: refuse tokens (the default), or ask the issuer about each token. */
  readonly onStale?: 'refuse' | 'ask' | undefined
  /**
   * How long the verifier uses keys that it cannot fetch again. The default is a day. With revocations 'status-list'
   * and 'none' it is an hour, because then only the JWKS shows that a key is compromised.
   */
  readonly maxJwksAge?: number | undefined
}

/**
 * One of the issuers of a verifier with the option `issuers`. If there are several, its `operators` are the domains
 * for which it may speak: each domain is listed for one issuer only. 'any' then means all domains that are not listed
 * for another issuer, and only one of the issuers may have it.
 */
export interface TrustedIssuer extends IssuerOptions {
  /**
   * What the issuer's scopes mean at this service: the scopes of this service for each scope of the issuer. A token
   * with any other scope is refused. By default, the scopes of the issuer have the same names and meaning here.
   */
  readonly scopes?: Readonly<Record<string, readonly string[]>> | undefined
  /**
   * The longest lifetime of a token, `exp` - `iat`. The default is 3600, which no token exceeds. With revocations
   * 'none' it is 300, and that is the most.
   */
  readonly maxTokenTtl?: number | undefined
}

/** The options about one issuer, checked and with defaults. */
export interface IssuerSettings {
  readonly issuer: string
  /** Empty if every operator is trusted. */
  readonly operators: readonly string[]
  readonly revocations: Revocations
  readonly maxStalenessMs: number
  readonly onStale: 'refuse' | 'ask'
  readonly maxJwksAgeMs: number
  /** Undefined if the issuer's scopes are those of this service. */
  readonly scopes: ScopeMap | undefined
  readonly maxTokenTtlS: number
}

/** The option names of an issuer. */
export const ISSUER_NAMES: Names<IssuerOptions> = {
  issuer: true,
  operators: true,
  revocations: true,
  maxStaleness: true,
  onStale: true,
  maxJwksAge: true,
}
/** The option names of one of several issuers. */
const TRUSTED_NAMES: Names<TrustedIssuer> = { ...ISSUER_NAMES, scopes: true, maxTokenTtl: true }

const MAX_OPERATORS = 64
const JWKS_AGE_S = { followed: 86_400, alone: 3_600 }
const STALENESS_S = { list: 3_600, log: 5 }
/** Without revocations, only expiry ends a token. */
const UNFOLLOWED_TTL_S = 300

/** Checks the options about one issuer, whose names are known. Throws TypeError for one that is missing or wrong. */
export function readIssuer(options: TrustedIssuer): IssuerSettings {
  const { issuer, revocations, onStale = 'refuse' } = options
  if (!isIssuer(issuer))
    throw new TypeError(
      'issuer must be an https address (http on loopback) in lower case, without trailing slash, query or user',
    )
  if (onStale !== 'refuse' && onStale !== 'ask') throw new TypeError("onStale must be 'refuse' or 'ask'")
  const isAlone = revocations === 'none' || revocations === 'status-list'
  if (!isAlone && !isFollowable(revocations)) {
    throw new TypeError("revocations must be { operatorId, key }, { authorization }, a feed, 'status-list' or 'none'")
  }
  const jwksAgeS = JWKS_AGE_S[isAlone ? 'alone' : 'followed']
  const stalenessS = STALENESS_S[revocations === 'status-list' ? 'list' : 'log']
  return {
    issuer,
    operators: readOperators(options.operators),
    revocations,
    maxStalenessMs: readNumber('maxStaleness', options.maxStaleness ?? stalenessS, 2, 3_600) * 1_000,
    onStale,
    maxJwksAgeMs: readNumber('maxJwksAge', options.maxJwksAge ?? jwksAgeS, 1, 604_800) * 1_000,
    scopes: options.scopes === undefined ? undefined : readScopeMap(options.scopes),
    maxTokenTtlS: MAX_TOKEN_TTL_S,
  }
}

/** Checks the options about one of the issuers in `issuers`. Throws TypeError as {@link readIssuer}. */
export function readTrusted(options: TrustedIssuer): IssuerSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('issuers must be a list of objects')
  refuseUnknownNames('option of issuers', options, TRUSTED_NAMES)
  const settings = readIssuer(options)
  const most = settings.revocations === 'none' ? UNFOLLOWED_TTL_S : MAX_TOKEN_TTL_S
  return { ...settings, maxTokenTtlS: readNumber('maxTokenTtl', options.maxTokenTtl ?? most, 1, most) }
}

function readOperators(operators: unknown): readonly string[] {
  if (operators === 'any') return []
  const texts = readTexts('operators', operators)
  const wrong = texts.find((text) => !isUuid(text) && !isDomain(text))
  if (wrong !== undefined)
    throw new TypeError(`operators must be domains or ids in lower case, or 'any', not ${JSON.stringify(wrong)}`)
  return texts
}

/** Returns whether a value says how to follow revocations. */
export function isFollowable(revocations: unknown): revocations is Followable {
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
  if (read.length === 0 || read.length !== texts.length || read.length > MAX_OPERATORS) {
    throw new TypeError(`${name} must be a list of 1 to ${MAX_OPERATORS} non-empty strings`)
  }
  return read
}

/**
 * Returns whether a text is an issuer in the one form that the server accepts. Any other form would match no token.
 */
export function isIssuer(issuer: unknown): issuer is string {
  if (typeof issuer !== 'string' || parseNormalUrl(issuer) === undefined || !isSecureUrl(issuer)) return false
  return !issuer.includes('?') && !issuer.endsWith('/')
}
