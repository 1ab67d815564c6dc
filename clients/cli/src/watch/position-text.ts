import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'

const TEXT = /^([1-9]\d{0,8})-(0|[1-9]\d{0,14})-([\w-]*)$/
const HASH_BYTES = 32

/** Writes a position as the server does in the id of an event: `epoch-sequence-hash`. */
export function writePosition({ logEpoch, sequence, hash }: LogPosition): string {
  return `${logEpoch}-${sequence}-${encodeBase64url(Buffer.from(hash, 'hex'))}`
}

/** Reads a position that {@link writePosition} wrote. Returns undefined for anything else. */
export function readPosition(text: string): LogPosition | undefined {
  const [, epoch, sequence, hash = ''] = TEXT.exec(text) ?? []
  const bytes = decodeBase64url(hash)
  if (epoch === undefined || (bytes?.length !== HASH_BYTES && bytes?.length !== 0)) return undefined
  return { logEpoch: Number(epoch), sequence: Number(sequence), hash: Buffer.from(bytes).toString('hex') }
}
