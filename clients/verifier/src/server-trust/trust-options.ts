import type { AssertionSigner } from '@auth4agent/core/identity/assertion'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Followable, type IssuerSettings, isFollowable, isIssuer, type Revocations } from '../issuer-options.ts'
import { readNumber } from '../read-number.ts'
import type { VerifierOptions } from '../verifier-options.ts'

/** The operator of this service at its deployment, and a key of it. */
export type OwnOperator = Extract<Revocations, { readonly operatorId: string }>

/** Another issuer whose revocations a verifier with `trust: 'server'` follows by itself. Times are in seconds. */
export interface FollowedIssuer {
  /** The issuer, as tokens name it in `iss`. */
  readonly issuer: string
  /** How to follow its revocations: in most cases as an operator that is registered there. */
  readonly revocations: Followable
  /**
   * How old the knowledge of its revocations may be. The default is 5, and the least value is 2. If the administrator
   * of the own deployment allows less, that decides.
   */
  readonly maxStaleness?: number | undefined
}

/**
 * Options of {@link createVerifier} for tokens of the own deployment, and of all operators of other deployments that
 * the own deployment lets call this service. Times are in seconds.
 */
export interface ServerTrustOptions extends VerifierOptions {
  /** Asks the own deployment, `issuer`, which operators of other deployments may call. */
  readonly trust: 'server'
  /** The operator that owns the audience. It follows the revocation log, and reads who may call. */
  readonly revocations: OwnOperator
  /**
   * Issuers whose revocations this verifier follows, so that it verifies their tokens offline. It asks the own
   * deployment about each token of an issuer that is not listed, unless the revocations of this issuer are not known
   * there either (mode `none`).
   */
  readonly follow?: readonly FollowedIssuer[] | undefined
}

/** An issuer of the option `follow`, checked and with defaults. */
export interface FollowedSettings extends Pick<IssuerSettings, 'issuer' | 'maxStalenessMs'> {
  readonly revocations: Followable
}

/** The options of `trust: 'server'`, checked and with defaults. */
export interface TrustSettings {
  readonly operatorId: string
  readonly key: AssertionSigner
  readonly follow: readonly FollowedSettings[]
}

/** The names of these options. */
export const TRUST_NAMES: Names<Pick<ServerTrustOptions, 'trust' | 'follow'>> = { trust: true, follow: true }
const FOLLOWED_NAMES: Names<FollowedIssuer> = { issuer: true, revocations: true, maxStaleness: true }
const MAX_FOLLOWED = 32

/** Reads the options of `trust: 'server'`. Throws TypeError for an option that is missing or wrong. */
export function readTrust({ trust, issuer, revocations, follow }: ServerTrustOptions): TrustSettings {
  const mode: unknown = trust
  if (mode !== 'server') throw new TypeError("trust must be 'server', or must be left out")
  const own: unknown = revocations
  if (!isOperator(own)) {
    throw new TypeError("revocations must be { operatorId, key } with trust: 'server', which reads who may call")
  }
  return { operatorId: own.operatorId, key: own.key, follow: follow === undefined ? [] : readFollow(follow, issuer) }
}

function isOperator(revocations: unknown): revocations is OwnOperator {
  return isFollowable(revocations) && typeof revocations === 'object' && revocations !== null && 'key' in revocations
}

/** An empty list, which may be a variable that is not set, is refused. */
function readFollow(list: unknown, own: string): readonly FollowedSettings[] {
  const given: readonly FollowedIssuer[] = Array.isArray(list) ? list : []
  if (given.length === 0 || given.length > MAX_FOLLOWED) {
    throw new TypeError(`follow must be a list of 1 to ${MAX_FOLLOWED} issuers`)
  }
  const followed = given.map(readFollowed)
  const names = [own, ...followed.map(({ issuer }) => issuer)]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === own) throw new TypeError(`follow must not name the own issuer ${own}, which is always followed`)
  if (twice !== undefined) throw new TypeError(`follow must not name ${twice} twice`)
  return followed
}

function readFollowed(options: FollowedIssuer): FollowedSettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('follow must be a list of objects')
  refuseUnknownNames('option of follow', options, FOLLOWED_NAMES)
  const { issuer, revocations, maxStaleness } = options
  if (!isIssuer(issuer)) throw new TypeError('follow must name each issuer as an https address in its normal form')
  if (!isFollowable(revocations)) {
    throw new TypeError(
      'follow must have revocations for each issuer: { operatorId, key }, { authorization }, or a feed',
    )
  }
  return { issuer, revocations, maxStalenessMs: readNumber('maxStaleness', maxStaleness ?? 5, 2, 3_600) * 1_000 }
}
