import { decodeBase64url } from '../encoding/base64.ts'
import { sha256Text } from '../encoding/sha256.ts'
import { type JsonObject, parseStrictJson } from '../encoding/strict-json.ts'
import type { OperatorJwk } from '../identity/operator-manifest.ts'
import type { ParsedJws } from '../jose/jws.ts'
import { ecdsaFromDer } from './ecdsa-der.ts'
import { type PasskeyProof, readPasskeyProof } from './passkey-proof.ts'
import type { RelyingParty } from './relying-party.ts'

/** What is wrong with the proof of a passkey. */
export type PasskeyFault = keyof typeof DEMANDS

/** What a passkey must be bound to, and which kind of key it is. */
export interface PasskeyRules {
  readonly party: RelyingParty
  readonly kty: OperatorJwk['kty']
}

/** A proof whose content is right. What is left: `signature` must be one of the key over `message`. */
export interface CheckedPasskey {
  readonly ok: true
  /** The bytes that the authenticator has signed. */
  readonly message: Uint8Array
  /** 64 bytes: R || S of ES256, or the signature of Ed25519. */
  readonly signature: Uint8Array
}

const DEMANDS = {
  proof: () =>
    'The proof must be JSON with exactly authenticatorData, clientDataJSON and signature, each in canonical base64url',
  'client-data': () => 'clientDataJSON must be a JSON object',
  type: () => 'type in clientDataJSON must be webauthn.get',
  challenge: () => 'challenge in clientDataJSON must be the SHA-256 of header.payload, in base64url',
  origin: ({ origin }: RelyingParty) => `origin in clientDataJSON must be ${origin}`,
  'cross-origin': () => 'clientDataJSON must not be of a page inside a page of another origin',
  'authenticator-data': () => 'authenticatorData must have at least 37 bytes',
  'rp-id': ({ id }: RelyingParty) => `authenticatorData must begin with the SHA-256 of ${id}`,
  'user-present': () => 'authenticatorData must have the flag UP: a person must have confirmed it',
  'user-verified': () => 'authenticatorData must have the flag UV: the authenticator must have recognised the person',
  backup: () => 'authenticatorData must not have the flag BS without the flag BE',
  signature: () => 'signature must be DER of ECDSA with P-256, or 64 bytes of Ed25519',
} as const

const DIGEST_BYTES = 32
const FLAGS_AT = 32
const MIN_AUTHENTICATOR_DATA_BYTES = 37
const SIGNATURE_BYTES = 64
/** Flags of authenticator data (WebAuthn level 3 section 6.1). */
const [UP, UV, BE, BS] = [0x01, 0x04, 0x08, 0x10]

/**
 * Checks everything of a proof except whose signature it is: what the browser and the authenticator say about the
 * page, the host and the person (WebAuthn level 3 section 7.2). Runs on every platform. The signature counter is not
 * used, because passkeys that are synchronised have none.
 *
 * @param jws the JWS whose third part is the proof
 * @returns the bytes and the signature that remain to be verified, or the first fault
 * @example
 * ```ts
 * import { checkPasskey } from '@auth4agent/core/webauthn/check-passkey'
 *
 * const checked = checkPasskey(jws, { party: { id: 'auth.example', origin: 'https://auth.example' }, kty: 'EC' })
 * const isSigned = checked.ok && (await key.verify(checked.message, checked.signature))
 * ```
 */
export function checkPasskey(
  { signingInput, signature }: Pick<ParsedJws, 'signingInput' | 'signature'>,
  { party, kty }: PasskeyRules,
): CheckedPasskey | { readonly ok: false; readonly why: PasskeyFault } {
  const proof = readPasskeyProof(signature)
  if (proof === undefined) return { ok: false, why: 'proof' }
  const why = clientFault(proof, signingInput, party) ?? authenticatorFault(proof, party)
  if (why !== undefined) return { ok: false, why }
  const signed = kty === 'EC' ? ecdsaFromDer(proof.signature) : proof.signature
  if (signed?.length !== SIGNATURE_BYTES) return { ok: false, why: 'signature' }
  return { ok: true, message: signedBytes(proof), signature: signed }
}

/**
 * Returns the sentence that says what would be right for a proof that is refused.
 *
 * @example
 * ```ts
 * import { checkPasskey, passkeyDemand } from '@auth4agent/core/webauthn/check-passkey'
 *
 * const checked = checkPasskey(jws, { party, kty: 'EC' })
 * if (!checked.ok) throw new TypeError(passkeyDemand(checked.why, party))
 * ```
 */
export function passkeyDemand(why: PasskeyFault, party: RelyingParty): string {
  return DEMANDS[why](party)
}

function clientFault({ clientDataJson }: PasskeyProof, signingInput: Uint8Array, party: RelyingParty) {
  const json = parseStrictJson(clientDataJson)
  if (!json.ok) return 'client-data'
  const { type, challenge, origin, crossOrigin = false }: JsonObject = json.value
  if (type !== 'webauthn.get') return 'type'
  if (challenge !== sha256Text(signingInput, 'base64url')) return 'challenge'
  if (origin !== party.origin) return 'origin'
  return crossOrigin !== false || Object.hasOwn(json.value, 'topOrigin') ? 'cross-origin' : undefined
}

function authenticatorFault({ authenticatorData }: PasskeyProof, { id }: RelyingParty): PasskeyFault | undefined {
  if (authenticatorData.length < MIN_AUTHENTICATOR_DATA_BYTES) return 'authenticator-data'
  const wanted = digestOf(id)
  if (!wanted.every((byte, at) => byte === authenticatorData[at])) return 'rp-id'
  const flags = authenticatorData[FLAGS_AT] ?? 0
  if ((flags & UP) === 0) return 'user-present'
  if ((flags & UV) === 0) return 'user-verified'
  return (flags & BS) !== 0 && (flags & BE) === 0 ? 'backup' : undefined
}

/**
 * Returns the bytes that an authenticator signs (WebAuthn level 3 section 6.3.3 step 11).
 *
 * @example
 * ```ts
 * import { signedBytes } from '@auth4agent/core/webauthn/check-passkey'
 *
 * const isValid = key.verify(signedBytes(proof), signature)
 * ```
 */
export function signedBytes({ authenticatorData, clientDataJson }: PasskeyProof): Uint8Array {
  const message = new Uint8Array(authenticatorData.length + DIGEST_BYTES)
  message.set(authenticatorData)
  message.set(digestOf(clientDataJson), authenticatorData.length)
  return message
}

function digestOf(data: Uint8Array | string): Uint8Array {
  return decodeBase64url(sha256Text(data, 'base64url')) ?? new Uint8Array()
}
