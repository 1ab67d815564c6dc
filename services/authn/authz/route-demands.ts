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
  const names = Object.keys(extensions)
  if (!names.every((name) => NAMES.has(name))) return refusal('EXTENSION_UNKNOWN')
  if (extensions['audience'] === undefined) return refusal('AUDIENCE_NOT_DEMANDED')
  const isWritten = Object.values(extensions).every((text) => /^[\x20-\x7e]+$/.test(text))
  const request = isWritten ? readRequest(extensions) : undefined
  const rest = readRest(extensions)
  if (request === undefined || rest === undefined || !isVerifiable(request, issuer)) return refusal('EXTENSION_INVALID')
  const { audience, scope, resource_metadata: resourceMetadata } = extensions
  const form = `${rest.prefix} ${rest.isTokenForwarded}`
  return { request, scope, resourceMetadata, ...rest, form, formOfDelegated: JSON.stringify([form, audience, scope]) }
}

function readRequest(extensions: Extensions): VerifyTokenRequest | undefined {
  const lists = LISTS.map((name) => readList(extensions[name]))
  if (lists.includes(undefined)) return undefined
  const [audience = [], operators = [], actors = [], issuers = [], types = [], attestors = []] = lists
  const { scope, delegation, attestation_level: level = '', attestation_max_age: age } = extensions
  if (scope !== undefined && !isScopeString(scope)) return undefined
  if (audience.some((text) => parseAudience(text) === undefined)) return undefined
  if (delegation !== undefined && delegation !== 'accept') return undefined
  if (age !== undefined && !MAX_AGE.test(age)) return undefined
  const isAttested = ATTESTATION.some((name) => extensions[name] !== undefined)
  const attestation = create(RequiredAttestationSchema, { types, attestors, level, maxAge: Number(age ?? 0) })
  return create(VerifyTokenRequestSchema, {
    audience,
    operators,
    actors,
    issuers,
    delegation: delegation ?? '',
    ...(scope !== undefined && { scope }),
    ...(isAttested && { attestation }),
  })
}

/** Returns texts that are separated by one space, without a text that is there twice. */
function readList(text: string | undefined): string[] | undefined {
  const items = text?.split(' ') ?? []
  return items.includes('') || new Set(items).size < items.length ? undefined : items
}

function readRest(extensions: Extensions) {
  const { dpop, header_prefix: prefix = DEFAULT_PREFIX, forward_token: forward, resource_metadata: url } = extensions
  if (dpop !== undefined && dpop !== 'required') return undefined
  if (forward !== undefined && forward !== 'false' && forward !== 'true') return undefined
  if (url !== undefined && !METADATA_URL.test(url)) return undefined
  if (prefix.length > MAX_PREFIX || !PREFIX.test(prefix)) return undefined
  if (TAKEN_PREFIXES.some((taken) => prefix.startsWith(taken))) return undefined
  return { isDpopRequired: dpop !== undefined, prefix, isTokenForwarded: forward !== 'false' }
}

/** Finds mistakes that VerifyToken would refuse in every request of the route, such as delegation without scope. */
function isVerifiable(request: VerifyTokenRequest, issuer: string): boolean {
  try {
    parseVerifyRequest(request, issuer)
    return true
  } catch (error) {
    if (error instanceof ApiError) return false
    throw error
  }
}
