import { isJsonObject } from '../encoding/strict-json.ts'
import { isUuid } from '../encoding/uuid.ts'
import { ED25519_ALGORITHMS, type JwsRules, type ParsedJws, parseCompactJws } from '../jose/jws.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { jwkThumbprint, readPublicJwk } from '../jose/public-jwk.ts'
import { checkPasskey, passkeyDemand } from '../webauthn/check-passkey.ts'
import { isCredentialId } from '../webauthn/credential-id.ts'
import { PASSKEY_ALGORITHM } from '../webauthn/passkey-proof.ts'
import { relyingParty } from '../webauthn/relying-party.ts'
import { isKeyLabel } from './key-label.ts'
import type { OperatorJwk, PasskeyBinding } from './operator-manifest.ts'
import { areOperatorRoles, OPERATOR_ROLES, type OperatorRole } from './operator-roles.ts'

/** `typ` of a request for a key. */
export const KEY_REQUEST_TYPE = 'auth4agent-key-request+jwt'
const RULES: JwsRules = {
  maxBytes: 8_192,
  algs: [...ED25519_ALGORITHMS, 'ES256', PASSKEY_ALGORITHM],
  typs: [KEY_REQUEST_TYPE],
}

/** What the holder of a new key asks the holders of the root keys for. */
export interface KeyRequest {
  readonly operatorId: string
  /** The server's issuer. */
  readonly issuer: string
  /** The name of the person or program that holds the key: 1 to 64 visible characters. */
  readonly label: string
  /** The wanted roles; none for a root key, which has all of them. */
  readonly roles: readonly OperatorRole[]
  /** Whether the key is to be a root key. */
  readonly isRoot: boolean
  /** The public key. */
  readonly jwk: OperatorJwk
  /** RFC 7638 thumbprint of the key. Two people compare it over the phone. */
  readonly kid: string
  /** When the request was signed, in Unix seconds. */
  readonly iat: number
  /** Present if the key is a passkey. */
  readonly webauthn?: PasskeyBinding
  /** The person who holds the key. */
  readonly person?: string
  /** `jti` of the invitation that the request answers, if it answers one. */
  readonly nonce?: string
}

/** A request whose signature is left to verify: `signature`, by the key of the request, over `message`. */
interface ParsedKeyRequest {
  readonly ok: true
  readonly request: KeyRequest
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Parses a request for a key. It checks everything except the signature: of a passkey also what its browser and its
 * authenticator say. Runs on every platform.
 *
 * @returns the request, or why the text is none
 * @example
 * ```ts
 * import { parseKeyRequest } from '@auth4agent/core/identity/key-request'
 *
 * const parsed = parseKeyRequest(text)
 * if (!parsed.ok) throw new TypeError(parsed.why)
 * const isSigned = await verify(parsed.request.jwk, parsed.message, parsed.signature)
 * ```
 */
export function parseKeyRequest(text: string): ParsedKeyRequest | { readonly ok: false; readonly why: string } {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return refuse('it must be a JWS with the type auth4agent-key-request+jwt')
  const request = readClaims(jws)
  if (typeof request === 'string') return refuse(request)
  const { webauthn, issuer, jwk } = request
  if ((jws.header.alg === PASSKEY_ALGORITHM) !== (webauthn !== undefined)) {
    return refuse('a passkey must sign in the form of WebAuthn, and no other key does')
  }
  if (webauthn === undefined) return { ok: true, request, message: jws.signingInput, signature: jws.signature }
  const party = relyingParty(issuer)
  if (party?.id !== webauthn.rpId) return refuse('rp_id must be the host of the issuer')
  const checked = checkPasskey(jws, { party, kty: jwk.kty })
  if (!checked.ok) return refuse(passkeyDemand(checked.why, party))
  return { ok: true, request, message: checked.message, signature: checked.signature }
}

function refuse(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why }
}

/** Reads the claims. Returns what would be right if one is wrong. */
function readClaims({ header, payload }: ParsedJws): KeyRequest | string {
  const { iss, sub, aud, iat, jwk: given, label, roles, root: isRoot, person, nonce } = payload
  const jwk = readPublicJwk(given)
  if (jwk === undefined || jwk.kty === 'RSA') return 'jwk must be a public key of Ed25519 or P-256'
  const kid = jwkThumbprint(jwk)
  if (kid !== header.kid) return 'its signature must be one of its own key'
  if (typeof iss !== 'string' || !isUuid(iss) || sub !== iss) return 'iss and sub must be an operator id'
  if (typeof aud !== 'string' || aud === '') return 'aud must be the issuer of a server'
  if (!isUnixSeconds(iat)) return 'iat must be whole Unix seconds'
  if (typeof label !== 'string' || !isKeyLabel(label)) return 'label must be 1 to 64 visible characters'
  if (typeof isRoot !== 'boolean') return 'root must be true or false'
  if (isRoot && jwk.kty !== 'OKP') return 'a root key must be of Ed25519'
  if (!areWantedRoles(roles, isRoot)) {
    return isRoot ? 'a root key has all roles and names none' : `roles must name some of ${OPERATOR_ROLES.join(', ')}`
  }
  const webauthn = readBinding(payload['webauthn'])
  if (webauthn === null) return 'webauthn must have rp_id and credential_id'
  if (isRoot && webauthn !== undefined) return 'a passkey cannot be a root key'
  if (person !== undefined && (typeof person !== 'string' || !isKeyLabel(person))) {
    return 'person must be 1 to 64 visible characters'
  }
  if (nonce !== undefined && typeof nonce !== 'string') return 'nonce must be the jti of an invitation'
  const more = { ...(webauthn && { webauthn }), ...(person && { person }), ...(nonce && { nonce }) }
  return { operatorId: iss, issuer: aud, iat, jwk, kid, label, roles, isRoot, ...more }
}

/** A root key has all roles, so it wants none. */
function areWantedRoles(roles: unknown, isRoot: boolean): roles is readonly OperatorRole[] {
  return isRoot ? Array.isArray(roles) && roles.length === 0 : areOperatorRoles(roles)
}

/** Returns null for a value that is no binding of a passkey. */
function readBinding(value: unknown): PasskeyBinding | undefined | null {
  if (value === undefined) return undefined
  if (!isJsonObject(value) || Object.keys(value).length !== 2) return null
  const { rp_id: rpId, credential_id: credentialId } = value
  const isRight = typeof rpId === 'string' && typeof credentialId === 'string' && isCredentialId(credentialId)
  return isRight ? { rpId, credentialId } : null
}
