import { deflateSync } from 'node:zlib'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { NOW_S } from './assertions.ts'
import type { TestTokenKey } from './token-keys.ts'

/** A status that is not 0, and its place. */
export type StatusRow = readonly [idx: number, status: number]

/** What can differ in a status list. A claim that is undefined is left out. */
export interface StatusListChange {
  readonly header?: object
  readonly claims?: object
  /** Members of the claim `status_list`. */
  readonly list?: object
  readonly bits?: number
  readonly size?: number
  readonly rows?: readonly StatusRow[]
}

/** Makes the bytes of a list, independently of the reader: bits are set one by one, lowest first. */
export function statusBytes(bits: number, size: number, rows: readonly StatusRow[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((size * bits) / 8))
  for (const [idx, status] of rows) {
    for (let bit = 0; bit < bits; bit += 1) {
      const at = idx * bits + bit
      if ((status & (1 << bit)) !== 0) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
    }
  }
  return bytes
}

/** Compresses the bytes of a list as the claim `lst` has them. */
function compress(bytes: Uint8Array): string {
  return encodeBase64url(deflateSync(bytes, { level: 9 }))
}

/** Creates a Status List Token. By default it has 1,024 places of 2 bits, all valid, and lives for a minute. */
export function statusListToken(key: TestTokenKey, uri: string, change: StatusListChange = {}): string {
  const { header, claims, list, bits = 2, size = 1_024, rows = [] } = change
  return key.sign(
    { alg: key.alg, typ: 'statuslist+jwt', kid: key.kid, ...header },
    {
      sub: uri,
      iat: NOW_S,
      exp: NOW_S + 120,
      ttl: 60,
      status_list: { bits, lst: compress(statusBytes(bits, size, rows)), ...list },
      ...claims,
    },
  )
}
