import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { encodeBase64url } from './base64.ts'
import { encodeUtf8 } from './utf8.ts'

/** Text form of a digest: lower-case hexadecimal, or unpadded base64url. */
type DigestForm = 'hex' | 'base64url'

/** Computes SHA-256 (FIPS 180-4) of bytes, or of a text's UTF-8 bytes. */
type Sha256 = (data: Uint8Array | string, form: DigestForm) => string

/**
 * Computes SHA-256 in plain JavaScript, for platforms that have no synchronous digest.
 *
 * @example
 * ```ts
 * import { portableSha256 } from '@auth4agent/core/encoding/sha256'
 *
 * portableSha256('abc', 'hex') // 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
 * ```
 */
export const portableSha256: Sha256 = (data, form) => {
  const digest = sha256(typeof data === 'string' ? encodeUtf8(data) : data)
  return form === 'hex' ? bytesToHex(digest) : encodeBase64url(digest)
}

/**
 * Computes SHA-256 with node:crypto if the platform has it, otherwise in plain JavaScript.
 * It gets node:crypto at run time, because an import of node:crypto would break bundles for browsers.
 *
 * @example
 * ```ts
 * import { sha256Text } from '@auth4agent/core/encoding/sha256'
 *
 * sha256Text('abc', 'base64url') // 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'
 * ```
 */
export const sha256Text: Sha256 = platformSha256() ?? portableSha256

function platformSha256(): Sha256 | undefined {
  const platform: typeof process | undefined = globalThis.process
  // Older versions of Node, and the replacements that bundlers insert, lack this method.
  const hash = platform?.getBuiltinModule?.('node:crypto').hash
  return hash && ((data, form) => hash('sha256', data, form))
}
