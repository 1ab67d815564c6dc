import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import { type KeyInvitation, parseKeyInvitation } from '@auth4agent/core/identity/key-invitation'
import { type KeyRequest, parseKeyRequest } from '@auth4agent/core/identity/key-request'
import type { RootKey } from '@auth4agent/core/identity/operator-manifest'
import type { Call } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Context } from './context.ts'
import { invalidInvitation, notByRoot } from './domain/refuse-invitation.ts'
import { type StoredKeyRequest, storeKeyRequest } from './store/key-requests.ts'
import { readKeys } from './store/manifests.ts'

/** Seconds by which the clock of the root key's holder may be ahead. */
const MAX_AHEAD_S = 60

/**
 * Hands in the request for a passkey. It waits until a root key adds the passkey. The passkey itself has signed the
 * request on a page of this server, so nothing that the browser said when it made the passkey is trusted.
 *
 * @throws ApiError INVALID_INVITATION, INVALID_KEY_REQUEST; RATE_LIMITED if too many requests wait
 */
export async function submitKeyRequest(
  context: Context,
  call: Call,
  { invitation: text, request }: { readonly invitation: string; readonly request: string },
): Promise<StoredKeyRequest> {
  const parsed = parseKeyInvitation(text)
  if (!parsed.ok) throw invalidInvitation(parsed.why)
  const { invitation, jws } = parsed
  const nowS = Math.floor(context.now() / 1000)
  if (invitation.issuer !== context.issuer) throw invalidInvitation(`aud must be exactly ${context.issuer}`)
  if (nowS >= invitation.exp) throw invalidInvitation('it has expired: ask for a new one')
  if (invitation.iat > nowS + MAX_AHEAD_S) throw invalidInvitation('iat must not be in the future')
  const isByRoot = (rootKeys: readonly RootKey[]) => {
    const root = rootKeys.find((key) => key.kid === jws.header.kid)
    return root !== undefined && readProofKey(jws.header.alg, { ...root.jwk })?.verify(jws.signingInput, jws.signature)
  }
  const demandRoot = (rootKeys: readonly RootKey[]) => {
    if (isByRoot(rootKeys) !== true) throw notByRoot()
  }
  // Anybody can name an operator. So this looks before it takes a turn at the operator's row.
  const operator = await context.reads.operator.findUnique({ where: { id: invitation.operatorId } })
  if (operator === null) throw notByRoot()
  demandRoot((await readKeys(context.reads, context.issuer, operator)).rootKeys)
  const { kid } = readAnswer(request, invitation)
  return storeKeyRequest(context, call, { request, kid, invitation, demandRoot })
}

/** Reads a request for a passkey that answers an invitation, and verifies that the passkey has signed it. */
function readAnswer(text: string, invitation: KeyInvitation): KeyRequest {
  const parsed = parseKeyRequest(text)
  if (!parsed.ok) throw invalidRequest(parsed.why)
  const { request, message, signature } = parsed
  if (request.webauthn === undefined) throw invalidRequest('it must be of a passkey')
  const isRight =
    request.operatorId === invitation.operatorId &&
    request.issuer === invitation.issuer &&
    request.nonce === invitation.jti &&
    request.label === invitation.label &&
    request.person === invitation.person &&
    request.roles.join() === invitation.roles.join()
  if (!isRight) {
    throw invalidRequest('iss, aud, label, roles and person must be those of the invitation, and nonce its jti')
  }
  const key = readProofKey(request.jwk.kty === 'EC' ? 'ES256' : 'EdDSA', { ...request.jwk })
  if (key?.verify(message, signature) !== true) throw invalidRequest('its signature must be one of its own key')
  return request
}

function invalidRequest(why: string): ApiError {
  return new ApiError('INVALID_KEY_REQUEST', `The request is not one for a passkey: ${why}`)
}
