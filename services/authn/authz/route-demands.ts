import { parseAudience } from '@auth4agent/core/token/audience'
import { isScopeString } from '@auth4agent/core/token/scope'
import { create } from '@bufbuild/protobuf'
import {
  RequiredAttestationSchema,
  type VerifyTokenRequest,
  VerifyTokenRequestSchema,
} from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parseVerifyRequest } from '../domain/verify-request.ts'
import { type ChallengeHints, type Refusal, refusal } from './refusal.ts'

/** What a route demands of each request, and what it sends on. */
export interface RouteDemands extends ChallengeHints {
  /** The demands on a token. Complete it with a token and its proof. */
  readonly request: VerifyTokenRequest
  readonly isDpopRequired: boolean
  /** Begins the names of all headers that tell the API about the caller; in lower case, with a hyphen at its end. */
  readonly prefix: string
  readonly isTokenForwarded: boolean
  /** Equal for routes that tell the same about a token. */
  readonly form: string
  /** Equal for routes that tell the same about delegated authority. */
  readonly formOfDelegated: string
}

/** The default of `header_prefix`. */
export const DEFAULT_PREFIX = 'x-auth4agent-'

const LISTS = ['audience', 'operators', 'actors', 'issuers', 'attestation_types', 'attestation_attestors'] as const
const NAMES: ReadonlySet<string> = new Set([
  ...LISTS,
  'scope',
  'delegation',
  'dpop',
  'attestation_level',
  'attestation_max_age',
  'header_prefix',
  'forward_token',
  'resource_metadata',
])
const ATTESTATION = ['attestation_types', 'attestation_attestors', 'attestation_level', 'attestation_max_age']
const PREFIX = /^x-[a-z0-9]+(?:-[a-z0-9]+)*-$/
const MAX_PREFIX = 64
const MAX_DETAIL = 300
/** Headers with these beginnings have a meaning for proxies. */
const TAKEN_PREFIXES = ['x-envoy-', 'x-forwarded-', 'x-original-']
const MAX_AGE = /^[1-9]\d{0,8}$/
/** A URL without characters that would end the quoted text of a challenge. */
const METADATA_URL = /^https:\/\/[\w.~:/?#[\]@!$&'()*+,;=%-]{1,2000}$/

type Extensions = Readonly<Record<string, string>>

/**
 * Reads the context extensions of a route.
 *
 * @param issuer the issuer of this deployment
 * @returns the demands, or a refusal of every request: a mistake in the configuration must not let requests pass
 */
export function readRouteDemands(extensions: Extensions, issuer: string): RouteDemands | Refusal {
  const unknown = Object.keys(extensions).find((name) => !NAMES.has(name))
  if (unknown !== undefined) return refusal('EXTENSION_UNKNOWN', `Unknown parameter ${shown(unknown)}`)
  if (extensions['audience'] === undefined) return refusal('AUDIENCE_NOT_DEMANDED', 'The parameter audience is missing')
  const wrong = Object.entries(extensions).find(([name, text]) => !isValid(name, text))
  if (wrong !== undefined) return refusal('EXTENSION_INVALID', `The parameter ${wrong[0]} is not valid`)
  const request = readRequest(extensions)
  const why = whyRefused(request, issuer)
  if (why !== undefined) return refusal('EXTENSION_INVALID', why)
  const { audience, scope, resource_metadata: resourceMetadata } = extensions
  const rest = readRest(extensions)
  const form = `${rest.prefix} ${rest.isTokenForwarded}`
  return { request, scope, resourceMetadata, ...rest, form, formOfDelegated: JSON.stringify([form, audience, scope]) }
}

/** The rule for the value of each parameter. Lists have a rule of their own. */
const VALUES: Readonly<Record<string, (text: string) => boolean>> = {
  scope: isScopeString,
  delegation: (text) => text === 'accept',
  dpop: (text) => text === 'required',
  attestation_max_age: (text) => MAX_AGE.test(text),
  forward_token: (text) => text === 'false' || text === 'true',
  resource_metadata: (text) => METADATA_URL.test(text),
  header_prefix: (text) =>
    text.length <= MAX_PREFIX && PREFIX.test(text) && !TAKEN_PREFIXES.some((taken) => text.startsWith(taken)),
  audience: (text) => text.split(' ').every((each) => parseAudience(each) !== undefined),
}

function isValid(name: string, text: string): boolean {
  if (!/^[\x20-\x7e]+$/.test(text)) return false
  if (LISTS.some((list) => list === name) && !isList(text.split(' '))) return false
  return VALUES[name]?.(text) ?? true
}

/** A list has texts that are separated by one space, and no text twice. */
function isList(items: readonly string[]): boolean {
  return !items.includes('') && new Set(items).size === items.length
}

/** Quotes a name of the proxy's configuration for a header, unless it could change the header. */
function shown(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : '(not shown: it is no name)'
}

function readRequest(extensions: Extensions): VerifyTokenRequest {
  const [audience, operators, actors, issuers, types, attestors] = LISTS.map((name) => readList(extensions[name]))
  const { scope, delegation, attestation_level: level = '', attestation_max_age: age } = extensions
  const isAttested = ATTESTATION.some((name) => extensions[name] !== undefined)
  const attestation = create(RequiredAttestationSchema, {
    types: types ?? [],
    attestors: attestors ?? [],
    level,
    maxAge: Number(age ?? 0),
  })
  return create(VerifyTokenRequestSchema, {
    audience: audience ?? [],
    operators: operators ?? [],
    actors: actors ?? [],
    issuers: issuers ?? [],
    delegation: delegation ?? '',
    ...(scope !== undefined && { scope }),
    ...(isAttested && { attestation }),
  })
}

function readList(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(' ')
}

function readRest({ dpop, header_prefix: prefix = DEFAULT_PREFIX, forward_token: forward }: Extensions) {
  return { isDpopRequired: dpop !== undefined, prefix, isTokenForwarded: forward !== 'false' }
}

/** Says what VerifyToken would refuse in every request of the route, such as delegation without scope. */
function whyRefused(request: VerifyTokenRequest, issuer: string): string | undefined {
  try {
    parseVerifyRequest(request, issuer)
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error.message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_DETAIL)
    throw error
  }
}
