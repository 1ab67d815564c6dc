import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { VerifyTokenRequest } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parseRequiredAttestation } from './required-attestation.ts'

/** The DPoP proof of the request that carried the token, and that request's method and URL. */
export interface RequestProof {
  readonly text: string
  readonly method: string
  readonly url: string
}

/** What a caller that accepts delegated authority demands of a chain of grants. */
export interface DelegationDemands {
  /** Arguments of the call; undefined if they are not known. */
  readonly args: JsonObject | undefined
  /** Domains. Every holder must be an agent of one of them. An empty list demands nothing. */
  readonly actors: readonly string[]
  /** Whether the caller has checked the proof of the last key itself. */
  readonly isProofChecked: boolean
}

/** What a caller of VerifyToken demands. */
export interface VerifyDemands {
  readonly wanted: Requirements
  readonly sent: RequestProof | undefined
  /** Undefined if the caller does not accept delegated authority. */
  readonly delegation: DelegationDemands | undefined
  /** Whether the caller only asks if a chain is in force, and not for a call with it. */
  readonly isInspection: boolean
  /** Issuers whose tokens the caller accepts; undefined for this deployment alone. */
  readonly issuers: readonly string[] | undefined
}

const MAX_REQUIRED = 64
const MAX_ISSUERS = 32
const MAX_ISSUER_LENGTH = 2_048

/**
 * Parses the demands of a request, in the same way for access tokens and chains of grants.
 *
 * @param issuer the issuer of this deployment
 * @throws ApiError INVALID_SCOPE, INVALID_AUDIENCE, INVALID_ARGUMENT
 */
export function parseVerifyRequest(request: VerifyTokenRequest, issuer: string): VerifyDemands {
  const wanted = parseRequirements(request)
  const issuers = parseIssuers(request.issuers, wanted, issuer)
  const sent = parseProof(request)
  const isInspection = request.delegation === 'inspect'
  if (isInspection && isAboutUse(request)) throw new ApiError('INVALID_ARGUMENT', INSPECTS)
  return { wanted, sent, delegation: parseDelegation(request, wanted), isInspection, issuers }
}

const INSPECTS =
  'delegation inspect checks no call, so it must not come with audience, scope, arguments, attestation, dpop_proof or ' +
  'proof_checked'

function isAboutUse(request: VerifyTokenRequest): boolean {
  const { audience, scope, arguments: args, attestation, dpopProof, proofChecked } = request
  const isAboutCall = audience.length > 0 || scope !== undefined || args !== undefined || attestation !== undefined
  return isAboutCall || dpopProof !== '' || proofChecked
}

function parseRequirements({ audience, scope: text, operators, attestation }: VerifyTokenRequest): Requirements {
  const scope = text === undefined ? [] : parseScopeString(text)
  if (scope === undefined) throw new ApiError('INVALID_SCOPE')
  if (audience.length > MAX_REQUIRED || operators.length > MAX_REQUIRED) {
    throw new ApiError('INVALID_ARGUMENT', `audience and operators must have at most ${MAX_REQUIRED} entries each`)
  }
  // An empty text is probably a variable that the caller forgot to set. It must not mean that no scope is required.
  if (text === '') throw new ApiError('INVALID_SCOPE', 'scope must not be empty; leave it out to require no scope')
  if (audience.includes('')) throw new ApiError('INVALID_AUDIENCE', 'audience must not have an empty entry')
  if (operators.includes('')) throw new ApiError('INVALID_ARGUMENT', 'operators must not have an empty entry')
  return { audience, scope, operators, attestation: parseRequiredAttestation(attestation, operators) }
}

function parseIssuers(
  issuers: readonly string[],
  { audience }: Requirements,
  own: string,
): readonly string[] | undefined {
  if (issuers.length === 0) return undefined
  if (issuers.length > MAX_ISSUERS || issuers.some((text) => text === '' || text.length > MAX_ISSUER_LENGTH)) {
    const detail = `issuers must have at most ${MAX_ISSUERS} entries, each with 1 to ${MAX_ISSUER_LENGTH} characters`
    throw new ApiError('INVALID_ARGUMENT', detail)
  }
  if (audience.length === 0 && issuers.some((each) => each !== own)) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      'With a foreign issuer, audience must be given: its owner decides who may call',
    )
  }
  return issuers
}

function parseProof({
  dpopProof: text,
  httpMethod: method,
  httpUrl: url,
}: VerifyTokenRequest): RequestProof | undefined {
  if (text === '' && method === '' && url === '') return undefined
  if (text === '' || method === '' || url === '') {
    throw new ApiError('INVALID_ARGUMENT', 'dpop_proof, http_method and http_url must be given together')
  }
  if (normalizeHtu(url) === undefined)
    throw new ApiError('INVALID_ARGUMENT', 'http_url must be an absolute http(s) URL')
  return { text, method, url }
}

function parseDelegation(
  { delegation, arguments: args, actors, proofChecked, dpopProof }: VerifyTokenRequest,
  { audience, scope }: Requirements,
): DelegationDemands | undefined {
  if (actors.length > MAX_REQUIRED || actors.includes('')) {
    throw new ApiError('INVALID_ARGUMENT', `actors must have at most ${MAX_REQUIRED} entries, and none may be empty`)
  }
  if (proofChecked && dpopProof !== '')
    throw new ApiError('INVALID_ARGUMENT', 'proof_checked and dpop_proof must not be given together')
  if (delegation === '') return undefined
  if (delegation !== 'accept' && delegation !== 'inspect')
    throw new ApiError('INVALID_ARGUMENT', 'delegation must be accept, inspect or absent')
  if (delegation === 'accept' && (audience.length === 0 || scope.length === 0)) {
    const detail =
      'With delegation accept, audience and scope must be given, because a chain allows scopes at audiences'
    throw new ApiError('INVALID_ARGUMENT', detail)
  }
  return { args, actors, isProofChecked: proofChecked }
}
