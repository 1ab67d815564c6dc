import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { encodeBase64url } from './base64.ts'
import { encodeUtf8 } from './utf8.ts'

/** How a digest is written: lower-case hexadecimal, or unpadded base64url. */
export type DigestForm = 'hex' | 'base64url'

/** SHA-256 (FIPS 180-4) of bytes, or of the UTF-8 form of a text. */
export type Sha256 = (data: Uint8Array | string, form: DigestForm) => string

/** By JavaScript alone, for platforms whose own digest is none or asynchronous. */
export const portableSha256: Sha256 = (data, form) => {
  const digest = sha256(typeof data === 'string' ? encodeUtf8(data) : data)
  return form === 'hex' ? bytesToHex(digest) : encodeBase64url(digest)
}

/** SHA-256 by node:crypto where there is one, without an import that a browser's bundle would stumble over. */
export const sha256Text: Sha256 = platformSha256() ?? portableSha256

function platformSha256(): Sha256 | undefined {
  const platform: typeof process | undefined = globalThis.process
  // Older Nodes, and what bundlers put in its place, lack the method.
  const hash = platform?.getBuiltinModule?.('node:crypto').hash
  return hash && ((data, form) => hash('sha256', data, form))
}
