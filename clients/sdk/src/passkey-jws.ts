import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import {
  MAX_PASSKEY_JWS_BYTES,
  PASSKEY_ALGORITHM,
  type PasskeyProof,
  writePasskeyProof,
} from '@auth4agent/core/webauthn/passkey-proof'

/** What a passkey signs. */
export interface PasskeyContent {
  readonly typ: string
  /** RFC 7638 thumbprint of the passkey. */
  readonly kid: string
  /** Members that are undefined are left out. */
  readonly claims: object
}

/** A JWS that waits for its proof. */
export interface StartedPasskeyJws {
  /** The first two parts of the JWS. */
  readonly signingInput: string
  /** The challenge for `navigator.credentials.get`: 32 bytes. */
  readonly challenge: Uint8Array
}

/**
 * Begins a JWS that a passkey signs. Give `challenge` to `navigator.credentials.get` with `userVerification:
 * 'required'`, and the answer to {@link finishPasskeyJws}. Runs on every platform.
 *
 * @example
 * ```ts
 * import { finishPasskeyJws, startPasskeyJws } from '@auth4agent/sdk'
 *
 * const { signingInput, challenge } = startPasskeyJws({ typ: 'auth4agent-operator+jwt', kid, claims })
 * const { response } = await navigator.credentials.get({ publicKey: { challenge, userVerification: 'required' } })
 * const assertion = finishPasskeyJws(signingInput, toProof(response))
 * ```
 */
export function startPasskeyJws({ typ, kid, claims }: PasskeyContent): StartedPasskeyJws {
  const signingInput = `${encodeJson({ alg: PASSKEY_ALGORITHM, typ, kid })}.${encodeJson(claims)}`
  return { signingInput, challenge: decodeBase64url(sha256Text(signingInput, 'base64url')) ?? new Uint8Array() }
}

/**
 * Completes a JWS with the proof of the passkey.
 *
 * @throws RangeError if the JWS would have more than 4,096 bytes
 * @example
 * ```ts
 * import { finishPasskeyJws } from '@auth4agent/sdk'
 *
 * const assertion = finishPasskeyJws(signingInput, { authenticatorData, clientDataJson, signature })
 * ```
 */
export function finishPasskeyJws(signingInput: string, proof: PasskeyProof): string {
  const text = `${signingInput}.${encodeBase64url(writePasskeyProof(proof))}`
  if (text.length <= MAX_PASSKEY_JWS_BYTES) return text
  throw new RangeError(`A JWS of a passkey must have at most ${MAX_PASSKEY_JWS_BYTES} bytes`)
}

function encodeJson(value: object): string {
  return encodeBase64url(encodeUtf8(JSON.stringify(value)))
}
