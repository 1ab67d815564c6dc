import { recordHash } from '@auth4agent/core/revocation/record-hash'
import { REVOCATION_KINDS } from '@auth4agent/core/revocation/revocation-log'
import { expect, it } from 'vitest'
import { RevocationKind } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { fromRecord, toRecord } from './messages.ts'

function recordOf(kind: string) {
  const times = { expiresAt: 1_800_000_000_123, recordedAt: 1_700_000_000_456 }
  const content = { logEpoch: 1, sequence: 7, kind, operatorId: '', subject: 's', minimumEpoch: 3, ...times }
  const record = { ...content, previousHash: 'ab'.repeat(32) }
  return { ...record, hash: recordHash(record) }
}

it.each(REVOCATION_KINDS.map((kind, index) => [kind, index + 1] as const))(
  'a record of the kind %s has the number %i on the wire, and is the same when it is read',
  (kind, number) => {
    const message = toRecord(recordOf(kind))
    expect(message.kind).toBe(number)
    expect(Object.entries(RevocationKind)).toContainEqual([kind.toUpperCase(), number])
    expect(fromRecord(message)).toEqual(recordOf(kind))
  },
)

it('a record of a kind that this version does not know is read as unknown', () => {
  expect(fromRecord(toRecord(recordOf('planet')))).toMatchObject({ kind: 'unknown' })
})
