import { decodeBase64url, encodeBase64url } from '../encoding/base64.ts'
import { parseStrictJsonText } from '../encoding/strict-json.ts'
import { decodeUtf8, encodeUtf8 } from '../encoding/utf8.ts'

/** `alg` of a JWS that a passkey has signed. Its third part is a proof of WebAuthn instead of a signature. */
export const PASSKEY_ALGORITHM = 'urn:auth4agent:alg:webauthn'
/** Largest size of a JWS that a passkey has signed, in bytes. */
export const MAX_PASSKEY_JWS_BYTES = 4_096

/**
 * What an authenticator returns when a passkey signs (WebAuthn level 3 section 5.2.2).
 *
 * @example
 * ```ts
 * import type { PasskeyProof } from '@auth4agent/core/webauthn/passkey-proof'
 *
 * const toProof = (response: AuthenticatorAssertionResponse): PasskeyProof => ({
 *   authenticatorData: new Uint8Array(response.authenticatorData),
 *   clientDataJson: new Uint8Array(response.clientDataJSON),
 *   signature: new Uint8Array(response.signature),
 * })
 * ```
 */
export interface PasskeyProof {
  readonly authenticatorData: Uint8Array
  readonly clientDataJson: Uint8Array
  /** DER of ECDSA, or the 64 bytes of Ed25519. */
  readonly signature: Uint8Array
}

/**
 * Returns the third part of a JWS before it is encoded: the JSON of a proof.
 *
 * @example
 * ```ts
 * import { writePasskeyProof } from '@auth4agent/core/webauthn/passkey-proof'
 *
 * const text = `${signingInput}.${encodeBase64url(writePasskeyProof(proof))}`
 * ```
 */
export function writePasskeyProof({ authenticatorData, clientDataJson, signature }: PasskeyProof): Uint8Array {
  const json = {
    authenticatorData: encodeBase64url(authenticatorData),
    clientDataJSON: encodeBase64url(clientDataJson),
    signature: encodeBase64url(signature),
  }
  return encodeUtf8(JSON.stringify(json))
}

/**
 * Reads a proof that {@link writePasskeyProof} has written, byte for byte: exactly these members in this order, each
 * in canonical base64url and none empty. So one proof has one text. Returns undefined for anything else.
 *
 * @example
 * ```ts
 * import { readPasskeyProof } from '@auth4agent/core/webauthn/passkey-proof'
 *
 * const proof = readPasskeyProof(jws.signature)
 * ```
 */
export function readPasskeyProof(bytes: Uint8Array): PasskeyProof | undefined {
  const text = bytes.length > MAX_PASSKEY_JWS_BYTES ? undefined : decodeUtf8(bytes)
  const json = text === undefined ? undefined : parseStrictJsonText(text)
  if (json?.ok !== true) return undefined
  const { authenticatorData: data, clientDataJSON: client, signature: signed } = json.value
  const [authenticatorData, clientDataJson, signature] = [bytesOf(data), bytesOf(client), bytesOf(signed)]
  if (authenticatorData === undefined || clientDataJson === undefined || signature === undefined) return undefined
  const canonical = JSON.stringify({ authenticatorData: data, clientDataJSON: client, signature: signed })
  return text === canonical ? { authenticatorData, clientDataJson, signature } : undefined
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' && value !== '' ? decodeBase64url(value) : undefined
}
