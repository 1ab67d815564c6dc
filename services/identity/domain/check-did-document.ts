import { decodePublicKeyMultibase } from '@auth4agent/core/encoding/multibase'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'

/**
 * Checks that a client's DID document does not contradict its registration: `id`, where present, is the DID, and the first
 * verification method's `publicKeyMultibase`, where present, is the key: a Multikey, or the plain base64 of old clients.
 * The document itself is not kept.
 *
 * @param publicKey raw, 32 bytes
 * @throws ApiError INVALID_ARGUMENT.
 */
export function checkDidDocument(document: JsonObject, did: string, publicKey: Uint8Array): void {
  if (document['id'] !== undefined && document['id'] !== did) refuse('did_document is about another DID')
  const multibase = firstMethod(document['verificationMethod'])?.['publicKeyMultibase']
  if (multibase === undefined) return
  const key = typeof multibase === 'string' ? decodePublicKeyMultibase(multibase) : undefined
  if (key === undefined) refuse('publicKeyMultibase of did_document is not an Ed25519 key')
  if (!Buffer.from(key).equals(publicKey)) refuse('did_document holds another key than agent_public_key')
}

function firstMethod(methods: JsonValue | undefined): JsonObject | undefined {
  if (methods === undefined) return undefined
  if (!Array.isArray(methods)) refuse('verificationMethod of did_document is not an array')
  const [first] = methods
  if (first === undefined) return undefined
  if (typeof first !== 'object' || first === null || Array.isArray(first)) {
    refuse('verificationMethod of did_document holds no object')
  }
  return first
}

function refuse(detail: string): never {
  throw new ApiError('INVALID_ARGUMENT', detail)
}
