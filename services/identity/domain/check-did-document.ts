import { decodePublicKeyMultibase } from '@auth4agent/core/encoding/multibase'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'

/**
 * Checks that a DID document does not contradict the registration. When `id` is present, it must be the DID. When the
 * first verification method has `publicKeyMultibase`, its value must be the agent's key, as a Multikey or in plain
 * base64 as old clients send it. The server does not keep the document.
 *
 * @param publicKey raw, 32 bytes
 * @throws ApiError INVALID_ARGUMENT.
 */
export function checkDidDocument(document: JsonObject, did: string, publicKey: Uint8Array): void {
  if (document['id'] !== undefined && document['id'] !== did) refuse("id of did_document must be the agent's DID")
  const multibase = firstMethod(document['verificationMethod'])?.['publicKeyMultibase']
  if (multibase === undefined) return
  const key = typeof multibase === 'string' ? decodePublicKeyMultibase(multibase) : undefined
  if (key === undefined) refuse('publicKeyMultibase of did_document must be an Ed25519 key')
  if (!Buffer.from(key).equals(publicKey))
    refuse('publicKeyMultibase of did_document must be the same key as agent_public_key')
}

function firstMethod(methods: JsonValue | undefined): JsonObject | undefined {
  if (methods === undefined) return undefined
  if (!Array.isArray(methods)) refuse('verificationMethod of did_document must be an array')
  const [first] = methods
  if (first === undefined) return undefined
  if (typeof first !== 'object' || first === null || Array.isArray(first)) {
    refuse('The first verificationMethod of did_document must be an object')
  }
  return first
}

function refuse(detail: string): never {
  throw new ApiError('INVALID_ARGUMENT', detail)
}
