const SEQUENCE = 0x30
const INTEGER = 0x02
const FIELD_BYTES = 32
/** The longest signature: a header, and two integers of 33 bytes with their headers. */
const MAX_BYTES = 2 + 2 * (2 + FIELD_BYTES + 1)

/**
 * Converts an ECDSA signature over P-256 from DER (RFC 3279 section 2.2.3), as WebAuthn has it, into the 64 bytes
 * R || S of JWS. Accepts only the one encoding that DER allows, so one signature has one text. Returns undefined for
 * anything else, also for numbers that are not positive or do not fit 32 bytes.
 *
 * @example
 * ```ts
 * import { ecdsaFromDer } from '@auth4agent/core/webauthn/ecdsa-der'
 *
 * const signature = ecdsaFromDer(assertion.signature)
 * if (signature === undefined) throw new TypeError('The signature must be DER')
 * ```
 */
export function ecdsaFromDer(der: Uint8Array): Uint8Array | undefined {
  if (der.length > MAX_BYTES || der[0] !== SEQUENCE || der[1] !== der.length - 2) return undefined
  const r = readInteger(der, 2)
  const s = r && readInteger(der, r.end)
  if (r === undefined || s?.end !== der.length) return undefined
  const signature = new Uint8Array(2 * FIELD_BYTES)
  signature.set(r.value, FIELD_BYTES - r.value.length)
  signature.set(s.value, signature.length - s.value.length)
  return signature
}

/** Reads a positive integer of at most 32 bytes. `value` has no leading zero byte. */
function readInteger(der: Uint8Array, at: number): { readonly value: Uint8Array; readonly end: number } | undefined {
  const length = der[at + 1] ?? 0
  const end = at + 2 + length
  if (der[at] !== INTEGER || length === 0 || end > der.length) return undefined
  const [first = 0, second = 0] = [der[at + 2], length > 1 ? der[at + 3] : undefined]
  const isNegative = first >= 0x80
  // DER has the zero byte only before a byte that would otherwise make the number negative. Zero itself has none.
  const isPadded = first === 0
  if (isNegative || (isPadded && second < 0x80)) return undefined
  const value = der.subarray(at + 2 + (isPadded ? 1 : 0), end)
  return value.length > FIELD_BYTES ? undefined : { value, end }
}
