import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isJsonObject, type JsonObject, parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { admitPublicKey } from '@auth4agent/core/keys/admit-key'
import type { PutTrustAnchorRequest } from '../../../gen/proto/auth4agent/v1/federation_admin_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { readConstraints } from '../domain/constraints.ts'
import { isEntityId } from '../domain/entity-id.ts'
import { type EntityKeys, readEntityKeys } from '../domain/entity-keys.ts'

/** A trust anchor as the administrator describes it, checked. */
export interface NewAnchor {
  readonly entityId: string
  /** JSON text with only the public members of usable keys. */
  readonly jwks: string
  readonly position: number
  readonly autoAdmit: boolean
  readonly permittedNames: string[]
}

const MAX_POSITION = 1_000
const MAX_NAMES = 64
const MAX_JWKS_CHARACTERS = 32_768

/**
 * Checks what the administrator says about an anchor.
 *
 * @param own identifiers of this deployment, which cannot be its anchors
 * @throws ApiError INVALID_ARGUMENT
 */
export function readAnchor(request: PutTrustAnchorRequest, own: readonly string[]): NewAnchor {
  const { position, autoAdmit } = request
  const entityId = readEntityId(request.entityId)
  if (own.includes(entityId)) throw invalid('entity_id must not be an entity of this deployment')
  if (position < 0 || position > MAX_POSITION) throw invalid(`position must be between 0 and ${MAX_POSITION}`)
  const permittedNames = readNames(request.permittedNames)
  if (autoAdmit && permittedNames.length === 0) throw invalid('auto_admit must not be set without permitted_names')
  const jwks = JSON.stringify(readKeys(request.jwks).jwks)
  return { entityId, jwks, position, autoAdmit, permittedNames }
}

/**
 * Checks an entity identifier.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readEntityId(text: string): string {
  if (isEntityId(text)) return text
  throw invalid('entity_id must be an entity identifier: an https URL in its normal form, without query and fragment')
}

/**
 * Reads a JWK Set of public keys for statements.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readKeys(text: string): { readonly jwks: JsonObject; readonly keys: EntityKeys } {
  const json = text.length <= MAX_JWKS_CHARACTERS ? parseStrictJsonText(text) : undefined
  const keys = json?.ok === true ? readEntityKeys(json.value) : undefined
  if (keys === undefined || keys.size === 0) {
    throw invalid('jwks must be a JWK Set as JSON text, with 1 to 32 keys, a kid for each, and at least one usable key')
  }
  const wrong = [...keys.values()].find(({ jwk }) => jwk.kty === 'OKP' && !admitPublicKey(bytesOf(jwk.x)).ok)
  if (wrong !== undefined) throw invalid(`jwks must have points of Ed25519 alone, but the key ${wrong.kid} is none`)
  // Not the set itself: it could contain private members.
  return {
    jwks: { keys: [...keys.values()].map(({ kid, jwk, alg }) => Object.assign({ kid }, jwk, alg && { alg })) },
    keys,
  }
}

function bytesOf(text: string): Uint8Array {
  return decodeBase64url(text) ?? new Uint8Array()
}

/**
 * Reads a JSON object that may be left out.
 *
 * @throws ApiError INVALID_ARGUMENT
 */
export function readObject(field: string, text: string): JsonObject | undefined {
  if (text === '') return undefined
  const json = text.length <= MAX_JWKS_CHARACTERS ? parseStrictJsonText(text) : undefined
  if (json?.ok === true && isJsonObject(json.value)) return json.value
  throw invalid(`${field} must be a JSON object as text, with at most ${MAX_JWKS_CHARACTERS} characters`)
}

function readNames(texts: readonly string[]): string[] {
  if (texts.length > MAX_NAMES) throw invalid(`permitted_names must have at most ${MAX_NAMES} entries`)
  const constraints = readConstraints({ naming_constraints: { permitted: [...texts] } })
  if (typeof constraints === 'string') {
    throw invalid('permitted_names must be hosts, or domains with a period in front, as A-labels')
  }
  return [...new Set(constraints.permitted)]
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', detail)
}
