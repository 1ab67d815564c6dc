import { encodeBase64url } from '@auth4agent/core/encoding/base64'

/** Members that replace those of the same name. A member that is undefined is left out. */
export type Edits = Readonly<Record<string, unknown>>

/** The content of one part of a JWS: an object (written as JSON), a text (used unchanged) or bytes. */
export type Part = object | string | Uint8Array

/** Encodes a part in base64url. */
export function encodePart(part: Part): string {
  if (part instanceof Uint8Array) return encodeBase64url(part)
  return encodeBase64url(Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)))
}

/** Returns a compact JWS of two parts. `sign` returns the signature, which may be a wrong one. */
export async function compact(
  header: Part,
  payload: Part,
  sign: (signingInput: Buffer) => Uint8Array | Promise<Uint8Array>,
): Promise<string> {
  const signingInput = `${encodePart(header)}.${encodePart(payload)}`
  return `${signingInput}.${encodeBase64url(await sign(Buffer.from(signingInput)))}`
}

/** Returns edits as a vector shows them: a member that is left out is null. */
export function shown(edits: Edits): Edits {
  return Object.fromEntries(Object.entries(edits).map(([name, value]) => [name, value === undefined ? null : value]))
}

/**
 * Returns base64url of the same bytes, with the unused bits of the last character set. Throws RangeError if the last
 * character has no unused bits.
 */
export function withTrailingBits(part: string): string {
  if (part.length % 4 === 0) throw new RangeError('All bits of the last character are used')
  return `${part.slice(0, -1)}${String.fromCharCode(part.charCodeAt(part.length - 1) + 1)}`
}
