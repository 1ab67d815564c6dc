import { describe, expect, test } from 'vitest'
import { pageTokenAfter } from '../../platform/requests/page.ts'
import { parseAuditQuery } from './parse-audit-query.ts'

const all = { pageSize: 0, pageToken: '', action: '', subject: '', outcome: '' }
const ID = '01890a5d-ac96-774b-bcce-b302099a8057'

function time(seconds: bigint, nanos = 0) {
  return { $typeName: 'google.protobuf.Timestamp' as const, seconds, nanos }
}

test('parseAuditQuery without filters selects the first 50 records', () => {
  expect(parseAuditQuery(all)).toEqual({ limit: 50 })
})

test('parseAuditQuery parses every filter', () => {
  const query = parseAuditQuery({
    pageSize: 200,
    pageToken: pageTokenAfter(ID),
    action: 'agent.suspend',
    subject: 'did:agent:example.com:00',
    outcome: 'refused',
    since: time(1n, 2_000_000),
    until: time(3n),
  })
  expect(query).toEqual({
    limit: 200,
    after: ID,
    action: 'agent.suspend',
    subject: 'did:agent:example.com:00',
    outcome: 'refused',
    since: new Date(1002),
    until: new Date(3000),
  })
})

describe('parseAuditQuery refuses', () => {
  test.each([
    ['a negative page size', { pageSize: -1 }, 'INVALID_ARGUMENT'],
    ['a page size of 201', { pageSize: 201 }, 'INVALID_ARGUMENT'],
    ['a page token that is not base64url', { pageToken: '***' }, 'INVALID_PAGE_TOKEN'],
    [
      'a page token that encodes no record id',
      { pageToken: Buffer.from('hello').toString('base64url') },
      'INVALID_PAGE_TOKEN',
    ],
    ['a page token in padded base64', { pageToken: `${pageTokenAfter(ID)}=` }, 'INVALID_PAGE_TOKEN'],
    ['an unknown outcome', { outcome: 'Done' }, 'INVALID_ARGUMENT'],
    ['NUL in the action', { action: 'a\0' }, 'INVALID_ARGUMENT'],
    ['NUL in the subject', { subject: '\0' }, 'INVALID_ARGUMENT'],
    ['an action of 65 characters', { action: 'a'.repeat(65) }, 'INVALID_ARGUMENT'],
    ['a subject of 513 characters', { subject: 'a'.repeat(513) }, 'INVALID_ARGUMENT'],
    ['a time after the year 9999', { since: time(253_402_300_800n) }, 'INVALID_ARGUMENT'],
    ['a time before the year 1', { until: time(-62_135_596_801n) }, 'INVALID_ARGUMENT'],
    ['nanoseconds out of range', { since: time(0n, 1_000_000_000) }, 'INVALID_ARGUMENT'],
  ])('%s', (_, change, reason) => {
    expect(() => parseAuditQuery({ ...all, ...change })).toThrow(expect.objectContaining({ reason }))
  })
})
