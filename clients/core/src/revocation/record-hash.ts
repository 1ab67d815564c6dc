import { createHash } from 'node:crypto'
import type { RevocationRecord } from './revocation-log.ts'

/**
 * Computes a record's hash as the database does: SHA-256 over the previous hash and the record's fields, one field a
 * line. Returns hexadecimal.
 *
 * @example
 * ```ts
 * import { recordHash } from '@auth4agent/core/revocation/record-hash'
 *
 * const isIntact = recordHash(record) === record.hash
 * ```
 */
export function recordHash(record: Omit<RevocationRecord, 'hash'>): string {
  const fields = [
    record.logEpoch,
    record.sequence,
    record.kind,
    record.operatorId,
    record.subject,
    record.minimumEpoch,
    record.expiresAt,
    record.recordedAt,
  ]
  return createHash('sha256').update(record.previousHash, 'hex').update(fields.join('\n')).digest('hex')
}
