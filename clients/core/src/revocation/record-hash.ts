import { createHash } from 'node:crypto'
import type { RevocationRecord } from './revocation-log.ts'

/** SHA-256 over the hash before it and the record's fields, each on a line, as the database computes it; hexadecimal. */
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
