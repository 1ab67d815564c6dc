import { isDelegated } from '@auth4agent/core/delegation/is-delegated'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import type { Authority } from './authority.ts'
import { type Arguments, readChainDemands, type WantedOfChain } from './chain-wanted.ts'
import { createChallenge, type Scheme } from './challenge.ts'
import type { Verifier } from './create-verifier.ts'
import { VerificationError, type VerificationReason } from './errors.ts'
import { isAnyOperator, readRequired, type Settings } from './options.ts'
import type { Presented } from './presented.ts'
import { type Address, readAddress, toMetadataUrl, toPublicUrl } from './public-address.ts'
import { presentedIn } from './same-request.ts'
import { createDemands, type Demands, WANTED_NAMES, type Wanted } from './wanted.ts'

/** Options of `protect`: the requirements for each request. `Source` is a request in the form of the framework. */
export interface GuardOptions<Source = void> extends Omit<Wanted, 'dpop'> {
  /** 'required' accepts only tokens that are bound to a key, each with a DPoP proof (RFC 9449). */
  readonly dpop?: 'required'
  /** Used instead of the verifier's own `publicUrl`: the URL below which clients send their requests. */
  readonly publicUrl?: string
  /**
   * Used instead of the verifier's own `resource`: the address of the API. A token must name it in `aud`. With the
   * option `audience` of this guard, it may name one of these instead.
   */
  readonly resource?: string
  /**
   * The address of the resource's metadata (RFC 9728 section 5.1). It is sent in `WWW-Authenticate` with each refusal.
   * The default is the well-known address of the resource.
   */
  readonly resourceMetadata?: string
  /**
   * 'accept' also accepts chains of grants and delegated tokens, whose sender acts for another agent or for a user.
   * Each needs a DPoP proof, which names method and URL, but not the arguments. Only the token of a client that acts
   * for a user, and has no key, comes as a bearer token. The option needs `scope`. The default, 'refuse', answers all
   * of them with DELEGATION_NOT_ACCEPTED.
   */
  readonly delegation?: 'refuse' | 'accept'
  /**
   * Returns the arguments of the call, to which the constraints in a chain of grants or a delegated token apply. It
   * must return every argument on which the handler acts, with the value on which it acts. It is called only for
   * these, after they and the proof were checked. If it throws, the request is refused. Without arguments, a scope
   * with constraints is refused.
   */
  readonly arguments?: (source: Source) => Arguments | Promise<Arguments>
  /**
   * The domains whose agents may hold a grant of a chain, or be a party of a delegated token, the first one too. By
   * default, those of the `operators` of the verifier. 'any' accepts all that the grants allow.
   */
  readonly actors?: readonly string[] | 'any'
}

/** The option names of guards. */
export const GUARD_NAMES: Names<GuardOptions<never>> = {
  ...WANTED_NAMES,
  publicUrl: true,
  resource: true,
  resourceMetadata: true,
  delegation: true,
  arguments: true,
  actors: true,
}

/** A request that is accepted: with an access token of its sender, or with delegated authority and without claims. */
export type Granted = { readonly token: string } & Authority

/** The answer to a request that is refused. */
export interface Refused {
  readonly status: 400 | 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  /** A problem document (RFC 9457). */
  readonly body: string
  /** Text for people. */
  readonly title: string
}

/** Decides about a request. `source` is the same request in the form of the framework. */
export type Guard<Source = void> = (request: Presented, source: Source) => Promise<Granted | Refused>

/**
 * Reads the call in a request with a chain of grants, in a protocol that has one URL for all calls. May throw
 * VerificationError.
 */
export type ReadCall<Source> = (source: Source) => Pick<WantedOfChain, 'arguments' | 'toolCall'>

/** The value of an Authorization header with a token (RFC 6750 section 2.1, RFC 9449 section 7.1). */
const CREDENTIALS = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i
/** The reasons why a token or chain of grants that is valid does not allow the request. */
const INSUFFICIENT: ReadonlySet<VerificationReason> = new Set([
  'SCOPE_MISSING',
  'CAPABILITY_MISSING',
  'ARGUMENT_REFUSED',
  'ARGUMENTS_NEEDED',
  'ATTESTATION_REQUIRED',
])
/** The Retry-After of a 503, in seconds. */
const RETRY_AFTER_S = 1
const NO_TOKEN = 'An access token is needed'
const MALFORMED = 'There must be one Authorization header with one token of the scheme Bearer or DPoP'
/** The requirements are checked when the guard is made, before the first request. */
const NO_DEMANDS: Demands = { audience: [], scope: [], dpop: undefined }

/**
 * Makes a guard. It decides from exactly one Authorization header with one token, from the DPoP headers, and from
 * method and path. It reads nothing else in the request, and compares proofs with the public URL of the API, never
 * with the header `Host`.
 *
 * | answer | when |
 * |---|---|
 * | 400 `invalid_request` | several Authorization headers, or one without a token of the scheme Bearer or DPoP |
 * | 401 without a code | no Authorization header |
 * | 401 `invalid_token` | the token or the chain of grants is not valid or not accepted, or has the wrong scheme |
 * | 401 `invalid_dpop_proof` | the scheme is DPoP, and the request does not have exactly one valid, unused proof |
 * | 403 `insufficient_scope` | the token lacks a scope or a result of attestation, or a grant refuses the call |
 * | 503 | the verifier cannot decide now |
 *
 * The answers follow RFC 6750 section 3.1 and RFC 9449 section 7.1. Throws TypeError for invalid requirements, and if
 * proofs are required but the public URL is not known. Proofs are required for the authority of agents.
 *
 * @param readCall reads the call in place of the option `arguments`.
 */
export function createGuard<Source = void>(
  verifier: Verifier,
  options: GuardOptions<Source> = {},
  readCall: ReadCall<Source> = () => ({}),
): Guard<Source> {
  const { wanted, publicUrl, challenge, ofChain } = readGuardOptions(verifier, options)
  const required: Wanted = { ...wanted, dpop: 'required' }
  /** Returns the requirements for a request. A proof under the scheme Bearer does not count. */
  const wantedFor = (scheme: Scheme, { request, dpop, method, target }: Presented): Wanted => {
    if (dpop.length === 0) return scheme === 'DPoP' ? required : wanted
    if (scheme === 'Bearer') return required
    const url = publicUrl === undefined ? undefined : toPublicUrl(publicUrl, target)
    // Several proofs become one text, which is not a proof.
    return { ...wanted, dpop: presentedIn(request, { proof: dpop.join(', '), method, url }) }
  }
  const authorityOf = async (token: string, now: Wanted, source: Source): Promise<Authority> => {
    if (ofChain === undefined || !isDelegated(token))
      return { claims: await verifier.verify(token, now), delegation: undefined }
    return {
      claims: undefined,
      delegation: await verifier.verifyDelegated(token, { ...now, ...ofChain(source), ...readCall(source) }),
    }
  }
  const toRefusal = ({ reason, message, isTemporary }: VerificationError, scheme: Scheme): Refused => {
    if (isTemporary) return refused(503, message, reason, { 'retry-after': String(RETRY_AFTER_S) })
    const code = codeOf(reason, scheme)
    const header = challenge({ code, description: message, scheme })
    return refused(INSUFFICIENT.has(reason) ? 403 : 401, message, reason, { 'www-authenticate': header })
  }
  return async (request, source) => {
    const [header] = request.authorization
    if (header === undefined) return refused(401, NO_TOKEN, 'UNAUTHENTICATED', { 'www-authenticate': challenge() })
    const [, name = '', token] = (request.authorization.length === 1 && CREDENTIALS.exec(header)) || []
    if (token === undefined) {
      const error = { code: 'invalid_request', description: MALFORMED, scheme: undefined }
      return refused(400, MALFORMED, 'INVALID_ARGUMENT', { 'www-authenticate': challenge(error) })
    }
    const scheme = name.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer'
    try {
      return { ...(await authorityOf(token, wantedFor(scheme, request), source)), token }
    } catch (error) {
      if (error instanceof VerificationError) return toRefusal(error, scheme)
      throw error
    }
  }
}

/** Checks the options of a guard. The options of the verifier are the defaults. */
function readGuardOptions<Source>({ settings }: Verifier, options: GuardOptions<Source>) {
  refuseUnknownNames('option', options, GUARD_NAMES)
  const {
    publicUrl: _url,
    resource,
    resourceMetadata,
    delegation: _,
    arguments: _read,
    actors: _actors,
    ...given
  } = options
  const checkWanted = createDemands(NO_DEMANDS, isAnyOperator(settings.issuers))
  checkWanted(given)
  const ofChain = readChainOptions(options, checkWanted)
  const { audience = settings.audience } = given
  const own = readAddress(options, [audience].flat())
  const publicUrl = publicUrlOf(options, own, settings)
  const isRequired = ('dpop' in given ? readRequired(given.dpop) : settings.dpop) === 'required'
  if ((isRequired || ofChain !== undefined) && publicUrl === undefined) {
    const what = isRequired ? "dpop is 'required'" : "delegation is 'accept'"
    throw new TypeError(`publicUrl is needed if ${what}, unless an audience or the resource is a URL`)
  }
  const described = own.resource ?? settings.resource
  // A token for another audience of the verifier is not for this resource.
  const demanded = 'audience' in given ? own.audience : own.resource
  const wanted: Wanted = resource === undefined || demanded === undefined ? given : { ...given, audience: demanded }
  const challenge = createChallenge({
    schemes: [...(isRequired ? [] : ['Bearer' as const]), ...(publicUrl === undefined ? [] : ['DPoP' as const])],
    scope: given.scope,
    resourceMetadata: resourceMetadata ?? (described === undefined ? undefined : toMetadataUrl(described)),
    realm: own.audience[0] ?? settings.issuers[0].issuer,
  })
  return { wanted, publicUrl, challenge, ofChain }
}

/** Returns what delegated authority must meet for a request, or undefined if it is not accepted. */
function readChainOptions<Source>(options: GuardOptions<Source>, checkWanted: (wanted: Wanted) => Demands) {
  const { delegation = 'refuse', arguments: read, actors, scope } = options
  if (delegation === 'accept') {
    if (scope === undefined) throw new TypeError("scope is needed if delegation is 'accept'")
    const common = { scope, ...('actors' in options && { actors: actors ?? [] }) }
    const wantedFor = (source: Source): WantedOfChain =>
      read === undefined ? common : { ...common, arguments: () => read(source) }
    if ('arguments' in options && typeof read !== 'function') throw new TypeError('arguments must be a function')
    readChainDemands(common, checkWanted)
    return wantedFor
  }
  if (delegation !== 'refuse') throw new TypeError("delegation must be 'accept' or 'refuse'")
  if ('arguments' in options || 'actors' in options)
    throw new TypeError("arguments and actors need delegation: 'accept'")
  return undefined
}

/**
 * Returns the public URL of a guard: its own option, or the origin of its own resource or audience. The verifier's
 * public URL replaces this origin if it is on it, because it may have a path prefix.
 */
function publicUrlOf(
  options: Omit<GuardOptions, 'arguments'>,
  own: Address,
  { publicUrl }: Settings,
): string | undefined {
  if (options.publicUrl !== undefined || publicUrl === undefined) return own.publicUrl
  const isElsewhere = 'resource' in options || 'audience' in options
  return isElsewhere && own.publicUrl !== new URL(publicUrl).origin ? (own.publicUrl ?? publicUrl) : publicUrl
}

function codeOf(reason: VerificationReason, scheme: Scheme): string {
  if (INSUFFICIENT.has(reason)) return 'insufficient_scope'
  if (reason === 'PROOF_INVALID' || reason === 'PROOF_REPLAYED') return 'invalid_dpop_proof'
  return reason === 'PROOF_REQUIRED' && scheme === 'DPoP' ? 'invalid_dpop_proof' : 'invalid_token'
}

function refused(
  status: Refused['status'],
  title: string,
  reason: string,
  headers: Readonly<Record<string, string>>,
): Refused {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: JSON.stringify({ type: 'about:blank', title, status, reason }),
    title,
  }
}
