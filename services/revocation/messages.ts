import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt'
import {
  type LogPosition as LogPositionMessage,
  type LogPositionSchema,
  RevocationKind,
  type RevocationRecord as RevocationRecordMessage,
  RevocationRecordSchema,
} from '../../gen/proto/auth4agent/v1/revocation_pb.ts'

const KINDS: Readonly<Record<string, RevocationKind>> = {
  token: RevocationKind.TOKEN,
  agent: RevocationKind.AGENT,
  operator: RevocationKind.OPERATOR,
  key: RevocationKind.KEY,
  deployment: RevocationKind.DEPLOYMENT,
  issuer: RevocationKind.ISSUER,
  edge: RevocationKind.EDGE,
}
const NAMES: ReadonlyMap<RevocationKind, string> = new Map(Object.entries(KINDS).map(([name, kind]) => [kind, name]))

/** Converts a position to its message. */
export function toPosition({ logEpoch, sequence, hash }: LogPosition): MessageInitShape<typeof LogPositionSchema> {
  return { logEpoch, sequence: BigInt(sequence), hash: Uint8Array.from(Buffer.from(hash, 'hex')) }
}

/**
 * Converts a record to its message. A kind that this version does not know becomes UNSPECIFIED, which no reader
 * knows.
 */
export function toRecord(record: RevocationRecord): RevocationRecordMessage {
  return create(RevocationRecordSchema, {
    position: toPosition(record),
    previousHash: Uint8Array.from(Buffer.from(record.previousHash, 'hex')),
    kind: KINDS[record.kind] ?? RevocationKind.UNSPECIFIED,
    operatorId: record.operatorId,
    subject: record.subject,
    minimumEpoch: record.minimumEpoch,
    expiresAt: timestampFromMs(record.expiresAt),
    recordedAt: timestampFromMs(record.recordedAt),
  })
}

/** Converts a message to its record. Returns undefined when a part is missing. */
export function fromRecord(message: RevocationRecordMessage): RevocationRecord | undefined {
  const { position, expiresAt, recordedAt } = message
  if (position === undefined || expiresAt === undefined || recordedAt === undefined) return undefined
  return {
    ...fromPosition(position),
    kind: NAMES.get(message.kind) ?? 'unknown',
    operatorId: message.operatorId,
    subject: message.subject,
    minimumEpoch: message.minimumEpoch,
    expiresAt: timestampMs(expiresAt),
    recordedAt: timestampMs(recordedAt),
    previousHash: hex(message.previousHash),
  }
}

function fromPosition({ logEpoch, sequence, hash }: LogPositionMessage): LogPosition {
  return { logEpoch, sequence: Number(sequence), hash: hex(hash) }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
