import { createReplayMemory, type ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { AttestationDemand } from '@auth4agent/core/token/attestation'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import { type AttestationOptions, readAttestation } from './attestation-options.ts'
import type { Fetch } from './http.ts'
import {
  ISSUER_NAMES,
  type IssuerOptions,
  type IssuerSettings,
  readIssuer,
  readTrusted,
  type TrustedIssuer,
} from './issuer-options.ts'
import { divideDomains, type OwnerOf } from './namespaces.ts'
import { type Address, readAddress } from './public-address.ts'
import { readNumber } from './read-number.ts'
import { readTrust, type ServerTrustOptions, TRUST_NAMES, type TrustSettings } from './server-trust/trust-options.ts'

/** A replay store that may know its size. */
type Replays = ReplayStore & { readonly size?: number | undefined }

/** Options of {@link createVerifier} that are the same for all issuers. Times are in seconds. */
export interface ServiceOptions {
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
  /** By how much clocks may differ: 0 to 60; 10 by default. */
  readonly clockSkew?: number | undefined
  /** How many verified tokens are remembered; 20,000 by default. */
  readonly cacheSize?: number | undefined
  /** 'required' accepts only tokens that are bound to a key, each with a DPoP proof (RFC 9449). */
  readonly dpop?: 'required' | undefined
  /** A result of attestation that each token must state. It needs a list of operators. By default none. */
  readonly attestation?: AttestationOptions | undefined
  /**
   * Records the DPoP proofs that were used. The default is a memory of this process for 200,000 proofs. Several
   * processes of one service need a shared store, or each of them accepts a proof once. The metrics show its `size`.
   */
  readonly replays?: Replays | undefined
  /** Used instead of the platform's fetch. */
  readonly fetch?: Fetch | undefined
  /**
   * Called with each problem in the background, and with the issuer that has it. Without this option, `console.warn`
   * gets each different problem once per outage.
   */
  readonly onProblem?: ((error: unknown, issuer: string) => void) | undefined
}

/** Options of {@link createVerifier} for one issuer. Times are in seconds. */
export interface VerifierOptions extends ServiceOptions, IssuerOptions {}

/** Options of {@link createVerifier} for several issuers. Times are in seconds. */
export interface MultiIssuerOptions extends ServiceOptions {
  /** The issuers whose tokens are accepted: 1 to 32. */
  readonly issuers: readonly TrustedIssuer[]
}

/** Options of {@link createVerifier}: for one issuer, for several, or for all that the server trusts. */
export type AnyVerifierOptions = VerifierOptions | MultiIssuerOptions | ServerTrustOptions

/** The options, checked and with defaults, that are the same for all issuers. */
export interface ServiceSettings extends Address {
  readonly skewS: number
  readonly cacheSize: number
  readonly dpop: 'required' | undefined
  readonly attestation: AttestationDemand | undefined
  readonly replays: Replays
  readonly fetch: Fetch
  readonly onProblem: ((error: unknown, issuer: string) => void) | undefined
}

/** The options, checked and with defaults. */
export interface Settings extends ServiceSettings {
  readonly issuers: readonly [IssuerSettings, ...IssuerSettings[]]
  /** Returns which of several issuers may speak for the domain of a DID. Undefined if there is only one issuer. */
  readonly ownerOf: OwnerOf | undefined
  /** Whether the option `issuers` was used. Reasons then say which needs of one issuer are not met. */
  readonly isListed: boolean
  /** The options of `trust: 'server'`. Undefined if only the tokens of the listed issuers are accepted. */
  readonly trust: TrustSettings | undefined
}

const SERVICE_NAMES: Names<ServiceOptions> = {
  audience: true,
  resource: true,
  publicUrl: true,
  clockSkew: true,
  cacheSize: true,
  dpop: true,
  attestation: true,
  replays: true,
  fetch: true,
  onProblem: true,
}
const NAMES: Names<VerifierOptions> = { ...SERVICE_NAMES, ...ISSUER_NAMES }
const MULTI_NAMES: Names<MultiIssuerOptions> = { ...SERVICE_NAMES, issuers: true }
const SERVER_NAMES: Names<ServerTrustOptions> = { ...NAMES, ...TRUST_NAMES }
const MAX_ISSUERS = 32

/** Checks the options. Throws TypeError for an option that is missing or wrong. A missing option never means "any". */
export function readOptions(options: AnyVerifierOptions): Settings {
  const isListed = 'issuers' in options
  if (isListed && 'trust' in options) throw new TypeError('options must have either issuers or trust')
  if (isListed && 'issuer' in options) throw new TypeError('options must have either issuer or issuers')
  refuseUnknownNames('option', options, isListed ? MULTI_NAMES : 'trust' in options ? SERVER_NAMES : NAMES)
  const issuers = isListed ? readIssuers(options.issuers) : ([readIssuer(options)] as const)
  const { fetch = globalThis.fetch, onProblem, attestation } = options
  return {
    issuers,
    ownerOf: divideDomains(issuers),
    isListed,
    trust: 'trust' in options ? readTrust(options) : undefined,
    ...readAddress(options, readDemandedAudiences(options.audience)),
    skewS: readNumber('clockSkew', options.clockSkew ?? 10, 0, 60),
    cacheSize: readNumber('cacheSize', options.cacheSize ?? 20_000, 0, 10_000_000),
    dpop: options.dpop === undefined ? undefined : readRequired(options.dpop),
    attestation: attestation === undefined ? undefined : readAttestation(attestation, isAnyOperator(issuers)),
    replays: options.replays === undefined ? createReplayMemory() : readReplays(options.replays),
    fetch,
    onProblem,
  }
}

/** Returns whether an issuer has the operators 'any'. */
export function isAnyOperator(issuers: readonly Pick<IssuerSettings, 'operators'>[]): boolean {
  return issuers.some(({ operators }) => operators.length === 0)
}

/** Reads the option `issuers`. An empty list, which may be a variable that is not set, does not mean "any". */
function readIssuers(list: unknown): Settings['issuers'] {
  const given: readonly TrustedIssuer[] = Array.isArray(list) ? list : []
  const [first, ...others] = given.map(readTrusted)
  if (first === undefined || given.length > MAX_ISSUERS)
    throw new TypeError(`issuers must be a list of 1 to ${MAX_ISSUERS} issuers`)
  const issuers = [first, ...others] as const
  const names = issuers.map(({ issuer }) => issuer)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`issuers must not name ${twice} twice`)
  return issuers
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
