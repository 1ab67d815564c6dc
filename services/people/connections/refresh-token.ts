import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type HmacKey, hmacSha256, verifyHmacSha256 } from '../../platform/crypto/hmac.ts'

/** What a refresh token says: its connection, and its number there. */
export interface RefreshToken {
  /** Id of the connection, a UUID. */
  readonly connection: string
  readonly n: number
}

const PREFIX = 'a4r_'
const BYTES = { id: 16, n: 4, mac: 32 }
const PURPOSE = Buffer.from('auth4agent-refresh:')

/**
 * Writes a refresh token: `a4r_`, then the base64url of the id of the connection, the number, and a MAC over both. The
 * database keeps nothing that would be one, and the next one can be computed again when its answer was lost.
 */
export function formatRefreshToken(key: HmacKey, { connection, n }: RefreshToken): string {
  const body = Buffer.alloc(BYTES.id + BYTES.n)
  body.write(connection.replaceAll('-', ''), 'hex')
  body.writeUInt32BE(n, BYTES.id)
  return PREFIX + encodeBase64url(Buffer.concat([body, hmacSha256(key, PURPOSE, body)]))
}

/** Reads a refresh token. Returns undefined for a text that this deployment has not written. */
export function parseRefreshToken(key: HmacKey, text: string): RefreshToken | undefined {
  if (!text.startsWith(PREFIX)) return undefined
  const bytes = decodeBase64url(text.slice(PREFIX.length))
  if (bytes === undefined || bytes.length !== BYTES.id + BYTES.n + BYTES.mac) return undefined
  const body = Buffer.from(bytes.subarray(0, BYTES.id + BYTES.n))
  if (!verifyHmacSha256(key, bytes.subarray(BYTES.id + BYTES.n), PURPOSE, body)) return undefined
  const hex = body.toString('hex', 0, BYTES.id)
  const connection = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { connection, n: body.readUInt32BE(BYTES.id) }
}

/** Tells whether a text has the form of a refresh token, so that nobody takes it for an access token. */
export function isRefreshToken(text: string): boolean {
  return text.startsWith(PREFIX)
}
