import { createReplayMemory } from '@auth4agent/core/dpop/replay-memory'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { AttestationDemand } from '@auth4agent/core/token/attestation'
import { readDemandedAudiences } from '@auth4agent/core/token/audience'
import { readAttestation } from './attestation-options.ts'
import type { Fetch } from './http.ts'
import { ISSUER_NAMES, type IssuerSettings, readIssuer, readTrusted, type TrustedIssuer } from './issuer-options.ts'
import { divideDomains, type OwnerOf } from './namespaces.ts'
import { type Address, readAddress } from './public-address.ts'
import { readNumber } from './read-number.ts'
import { readTrust, type ServerTrustOptions, TRUST_NAMES, type TrustSettings } from './server-trust/trust-options.ts'
import type { Replays, ServiceOptions, VerifierOptions } from './verifier-options.ts'

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

/** The settings of a verifier about one issuer. */
export interface CoreSettings extends ServiceSettings, IssuerSettings, Pick<Settings, 'ownerOf' | 'isListed'> {}

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
