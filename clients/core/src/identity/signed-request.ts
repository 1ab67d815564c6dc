import { readProofKey } from '../dpop/proof-key.ts'
import { sha256Text } from '../encoding/sha256.ts'
import { ED25519_ALGORITHMS, type ParsedJws, parseCompactJws } from '../jose/jws.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { jwkThumbprint, type PublicJwk } from '../jose/public-jwk.ts'
import { PASSKEY_ALGORITHM } from '../webauthn/passkey-proof.ts'
import { verifyPasskey } from '../webauthn/verify-passkey.ts'
import { ADMIN_ASSERTION_TYPE, OPERATOR_ASSERTION_TYPE } from './assertion.ts'
import { OPERATOR_APPROVAL_TYPE } from './operator-approval.ts'
import type { PasskeyBinding } from './operator-manifest.ts'
import { isSignedMessage, readSignedMessage } from './signed-message.ts'

/**
 * A request for a change, as an operator or the administrator signed it and as the audit of the server keeps it.
 *
 * @example
 * ```ts
 * import type { SignedRequest } from '@auth4agent/core/identity/signed-request'
 *
 * const describe = ({ rpc, bodyDigest }: SignedRequest) => `${rpc} with the body ${bodyDigest}`
 * ```
 */
export interface SignedRequest {
  /** Name of the call: `METHOD /path` over REST, the full method over gRPC and Connect. */
  readonly rpc: string
  /** The assertion and the approvals; or signature base, Signature-Input and Signature, then the approvals. */
  readonly signatures: readonly string[]
  /** Body over REST, message over gRPC and Connect. Undefined if only its digest was kept. */
  readonly body: Uint8Array | undefined
  /** SHA-256 of the body, base64url. */
  readonly bodyDigest: string
}

/**
 * Which signature of a request belongs to a key, and what it covers; or why the key has not signed the request.
 *
 * @example
 * ```ts
 * import type { SignedRequestVerdict } from '@auth4agent/core/identity/signed-request'
 *
 * const provesBody = (verdict: SignedRequestVerdict) => verdict.ok && verdict.coversBody && verdict.hasBody
 * ```
 */
export type SignedRequestVerdict =
  | {
      readonly ok: true
      readonly kind: 'assertion' | 'approval' | 'message-signature'
      /** Operator id, or `admin`. Undefined for a message signature, which names only the key. */
      readonly issuer: string | undefined
      /** The server for which the request was signed: its issuer. For a message signature, the URL of the request. */
      readonly audience: string
      /** The single-use id: `jti` or `nonce`. */
      readonly id: string
      /** When the request was signed by the clock of its signer, in Unix seconds. */
      readonly signedAt: number
      /** Whether the signature covers the digest of the body. */
      readonly coversBody: boolean
      /** Whether the body is there, and not only its digest. */
      readonly hasBody: boolean
    }
  | { readonly ok: false; readonly problem: string }

/** A public key that may have signed a request. */
interface Signer {
  readonly jwk: PublicJwk
  /** Present if the key is a passkey, which signs only assertions in the form of WebAuthn. */
  readonly webauthn: PasskeyBinding | undefined
}

/** The facts about a signature, before the body is known. */
type Signed = Omit<Extract<SignedRequestVerdict, { readonly ok: true }>, 'ok' | 'hasBody'>

const RULES = {
  maxBytes: 8_192,
  algs: [...ED25519_ALGORITHMS, 'ES256', PASSKEY_ALGORITHM],
  typs: [OPERATOR_ASSERTION_TYPE, ADMIN_ASSERTION_TYPE, OPERATOR_APPROVAL_TYPE],
}
/** The number of texts of a message signature. */
const MESSAGE_TEXTS = 3

/**
 * Verifies offline that the holder of a key has signed a request. It trusts neither the server nor the transport: only
 * the key. It does not check whether the signature was fresh, because it has expired long ago, and not whether the key
 * was a key of the operator at that time: the operator's manifest says that.
 *
 * @param webauthn how the key is used if it is a passkey, as the manifest says it
 * @example
 * ```ts
 * import { verifySignedRequest } from '@auth4agent/core/identity/signed-request'
 *
 * const verdict = verifySignedRequest({ rpc, signatures, body, bodyDigest }, publicJwk)
 * if (!verdict.ok) throw new Error(verdict.problem)
 * console.log(`${verdict.issuer} signed ${rpc} at ${new Date(verdict.signedAt * 1000).toISOString()}`)
 * ```
 */
export function verifySignedRequest(
  request: SignedRequest,
  publicJwk: PublicJwk,
  webauthn?: PasskeyBinding,
): SignedRequestVerdict {
  const { signatures, body, bodyDigest } = request
  if (body !== undefined && sha256Text(body, 'base64url') !== bodyDigest) {
    return { ok: false, problem: 'body_digest must be the SHA-256 of the body' }
  }
  const isMessage = isSignedMessage(signatures)
  const signed = isMessage && webauthn === undefined ? messageBy(request, publicJwk) : undefined
  const texts = signatures.slice(isMessage ? MESSAGE_TEXTS : 0)
  const found = signed ?? jwsBy(request, texts, { jwk: publicJwk, webauthn })
  return typeof found === 'string' ? { ok: false, problem: found } : { ok: true, ...found, hasBody: body !== undefined }
}

/** Finds and verifies the assertion or the approval of a key. Returns what is wrong if there is none. */
function jwsBy({ rpc, bodyDigest }: SignedRequest, texts: readonly string[], signer: Signer): Signed | string {
  const kid = jwkThumbprint(signer.jwk)
  const jws = texts.map((text) => parseCompactJws(text, RULES)).find((each) => each.ok && each.header.kid === kid)
  if (jws === undefined || !jws.ok) return `The request must have a signature of the key ${kid}`
  const { header, payload } = jws
  const problem = signatureProblem(jws, signer)
  if (problem !== undefined) return problem
  const { iss, aud, jti, iat, body } = payload
  if (payload['rpc'] !== rpc) return `The signature is for another call: ${String(payload['rpc'])}`
  if (body !== undefined && body !== bodyDigest) return 'The signature is for another body'
  if (typeof iss !== 'string' || typeof aud !== 'string' || typeof jti !== 'string' || !isUnixSeconds(iat)) {
    return 'iss, aud and jti must be texts, and iat must be whole Unix seconds'
  }
  const kind = header.typ === OPERATOR_APPROVAL_TYPE ? 'approval' : 'assertion'
  return { kind, issuer: iss, audience: aud, id: jti, signedAt: iat, coversBody: body !== undefined }
}

/** Returns what is wrong with the signature of a JWS. The server accepts no approvals and no plain JWS of passkeys. */
function signatureProblem(jws: ParsedJws, { jwk, webauthn }: Signer): string | undefined {
  if (webauthn === undefined) {
    const isSigned = readProofKey(jws.header.alg, { ...jwk })?.verify(jws.signingInput, jws.signature)
    return isSigned === true ? undefined : 'The signature does not match the key'
  }
  const { aud, body } = jws.payload
  if (jwk.kty === 'RSA' || jws.header.typ !== OPERATOR_ASSERTION_TYPE) return 'A passkey signs only assertions'
  if (body === undefined) return 'The assertion of a passkey must contain the digest of the body'
  return verifyPasskey(jws, { jwk, webauthn }, String(aud))
}

/**
 * Verifies the message signature of a request. Returns undefined if it is of another key, and what is wrong if it is
 * not valid.
 */
function messageBy({ rpc, signatures, bodyDigest }: SignedRequest, jwk: PublicJwk): Signed | string | undefined {
  const message = readSignedMessage(signatures)
  if (message === undefined) return 'The texts of the message signature must have the form of RFC 9421'
  if (message.keyid !== jwkThumbprint(jwk)) return undefined
  const alg = jwk.kty === 'EC' ? 'ES256' : 'EdDSA'
  if (readProofKey(alg, { ...jwk })?.verify(message.base, message.signature) !== true) {
    return 'The signature does not match the key'
  }
  const [method, path = ''] = rpc.split(' ', 2)
  const bare = message.targetUri.replace(/\?.*/s, '')
  if (message.method !== method || path === '' || !bare.endsWith(path)) {
    return `The signature is for another call: ${message.method} ${message.targetUri}`
  }
  if (message.bodyDigest !== bodyDigest) return 'The signature is for another body'
  const { targetUri: audience, nonce: id, created: signedAt } = message
  return { kind: 'message-signature', issuer: undefined, audience, id, signedAt, coversBody: true }
}
