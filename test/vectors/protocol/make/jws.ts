import { encodeBase64url } from '@auth4agent/core/encoding/base64'

/** Members put in place of others; undefined leaves one out. */
export type Edits = Readonly<Record<string, unknown>>

/** Bytes that become one part of a JWS: JSON of an object, a text as it is, or bytes. */
export type Part = object | string | Uint8Array

/** A part in base64url. */
export function encodePart(part: Part): string {
  if (part instanceof Uint8Array) return encodeBase64url(part)
  return encodeBase64url(Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)))
}

/** A compact JWS over two parts, with whatever signature the function gives. */
export async function compact(
  header: Part,
  payload: Part,
  sign: (signingInput: Buffer) => Uint8Array | Promise<Uint8Array>,
): Promise<string> {
  const signingInput = `${encodePart(header)}.${encodePart(payload)}`
  return `${signingInput}.${encodeBase64url(await sign(Buffer.from(signingInput)))}`
}

/** Edits as a vector shows them: a member that is left out is null. */
export function shown(edits: Edits): Edits {
  return Object.fromEntries(Object.entries(edits).map(([name, value]) => [name, value === undefined ? null : value]))
}

/**
 * The same bytes in base64url with the unused bits of the last character set. Throws RangeError where there are none.
 */
export function withTrailingBits(part: string): string {
  if (part.length % 4 === 0) throw new RangeError('All bits of the last character are used')
  return `${part.slice(0, -1)}${String.fromCharCode(part.charCodeAt(part.length - 1) + 1)}`
}
