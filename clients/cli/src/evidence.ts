import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import type { OperatorJwk, PasskeyBinding } from '@auth4agent/core/identity/operator-manifest'
import { isSignedMessage, readSignedMessage } from '@auth4agent/core/identity/signed-message'
import { type SignedRequest, verifySignedRequest } from '@auth4agent/core/identity/signed-request'
import type { SignedRequestAnswer } from '@auth4agent/sdk'

/** A public key that may have signed a request. */
export interface SignerKey {
  readonly jwk: OperatorJwk
  /** Present if the key is a passkey. */
  readonly webauthn?: PasskeyBinding | undefined
  readonly label: string
  /** Where the key comes from, for people: `this folder`, `manifest 3`. */
  readonly source: string
  /** Whether this folder knows that the key is or was one of the operator. */
  readonly isTrusted: boolean
}

/** What is known about one signature of a request. */
export interface CheckedSignature {
  readonly kid: string
  /** Empty if the key is not known. */
  readonly label: string
  readonly source: string
  readonly isTrusted: boolean
  /** `assertion`, `approval` or `message-signature`; empty if the signature is not valid. */
  readonly kind: string
  readonly isValid: boolean
  /** Unix seconds by the clock of the signer. */
  readonly signedAt: number | undefined
  /** Whether the signature covers the body. */
  readonly coversBody: boolean
  /** What is wrong; empty if nothing is. */
  readonly problem: string
}

/** The party and server for which a request must have been signed. */
interface Expected {
  readonly operatorId: string
  readonly issuer: string
}

/** Converts a signed request of an answer. An empty body with the digest of another means that the body is secret. */
export function signedRequestOf({ rpc, signatures, body, body_digest }: SignedRequestAnswer): SignedRequest {
  const bytes = decodeBase64(body ?? '') ?? new Uint8Array()
  const isKept = bytes.length > 0 || body_digest === bodyDigest('')
  return { rpc, signatures, body: isKept ? bytes : undefined, bodyDigest: body_digest }
}

/** Returns the thumbprints that the signatures of a request name: first the caller, then those who approved. */
export function signerKids({ signatures }: Pick<SignedRequest, 'signatures'>): readonly string[] {
  const message = isSignedMessage(signatures) ? readSignedMessage(signatures)?.keyid : undefined
  return [...(message === undefined ? [] : [message]), ...signatures.flatMap((text) => kidOf(text) ?? [])]
}

/** Verifies each signature of a request offline. A key that is not in `keys` cannot be verified. */
export function checkSignatures(
  signed: SignedRequest,
  keys: ReadonlyMap<string, SignerKey>,
  expected: Expected,
): readonly CheckedSignature[] {
  return signerKids(signed).map((kid) => checkOne(signed, kid, keys.get(kid), expected))
}

function checkOne(
  signed: SignedRequest,
  kid: string,
  key: SignerKey | undefined,
  expected: Expected,
): CheckedSignature {
  const { label = '', source = '', isTrusted = false } = key ?? {}
  const about = { kid, label, source, isTrusted }
  const wrong = (problem: string) =>
    ({ ...about, kind: '', isValid: false, signedAt: undefined, coversBody: false, problem }) as const
  if (key === undefined) return wrong('the key is not known; --jwk FILE gives it')
  const verdict = verifySignedRequest(signed, key.jwk, key.webauthn)
  if (!verdict.ok) return wrong(verdict.problem)
  const { kind, signedAt, coversBody, issuer, audience } = verdict
  // A message signature names neither the operator nor the issuer, but the URL, which `rpc` must fit.
  const isForOne = kind !== 'message-signature'
  if (isForOne && audience !== expected.issuer) return wrong(`it was signed for another server: ${audience}`)
  if (isForOne && issuer !== expected.operatorId) return wrong(`it was signed in the name of ${issuer}`)
  return { ...about, kind, isValid: true, signedAt, coversBody, problem: '' }
}

/** Returns the kid in the header of a JWS, or undefined for another text. */
function kidOf(text: string): string | undefined {
  const [header = '', ...rest] = text.split('.')
  if (rest.length !== 2) return undefined
  try {
    const json: unknown = JSON.parse(Buffer.from(header, 'base64url').toString())
    return typeof json === 'object' && json !== null && 'kid' in json && typeof json.kid === 'string'
      ? json.kid
      : undefined
  } catch {
    return undefined
  }
}
