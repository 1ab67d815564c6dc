import { fingerprint, formatDid, parseDid } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { JsonObject } from '@bufbuild/protobuf'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkPublicKey } from '../../platform/requests/check-public-key.ts'
import { checkLabel } from '../../platform/requests/check-text.ts'
import { checkDidDocument } from './check-did-document.ts'

/** A registration as the caller requests it. */
export interface RegistrationRequest {
  readonly did: string
  readonly didDocument?: JsonObject | undefined
  readonly agentPublicKey: Uint8Array
  readonly label: string
}

/** A new agent: its checked key and label, and the DID that the server forms from key and domain. */
export interface Registration {
  readonly did: string
  readonly label: string
  readonly publicKey: Uint8Array
  readonly thumbprint: string
}

/**
 * Checks a registration under the operator of this domain, and forms the DID from key and domain. When the request has
 * a DID, it must be the same.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_DID, INVALID_PUBLIC_KEY, DID_MISMATCH.
 */
export function checkRegistration(request: RegistrationRequest, domain: string): Registration {
  const label = checkLabel(request.label)
  if (request.did !== '' && parseDid(request.did) === undefined) throw new ApiError('INVALID_DID')
  const publicKey = checkPublicKey('agent_public_key', request.agentPublicKey)
  const did = formatDid(domain, fingerprint(publicKey))
  if (request.did !== '' && request.did !== did) throw mismatch(request.did, domain)
  if (request.didDocument !== undefined) checkDidDocument(request.didDocument, did, publicKey)
  return { did, label, publicKey, thumbprint: thumbprint(publicKey) }
}

/** Says which half of a DID is wrong: its domain, or the fingerprint of the key. */
function mismatch(given: string, domain: string): ApiError {
  const named = parseDid(given)?.domain
  const detail =
    named === domain
      ? 'The DID must have the fingerprint of agent_public_key'
      : `The DID is under ${named}, but the domain of the operator is ${domain}`
  return new ApiError('DID_MISMATCH', detail)
}
