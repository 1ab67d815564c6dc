import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Harness, type Registered, startHarness } from '../../test/support/operator-registry.ts'
import { recordRefusal } from '../ledger/ledger.ts'

let harness: Harness
let operator: Registered
beforeEach(async () => {
  harness = await startHarness()
  operator = await harness.activate('agents.example.com')
  await harness.activate('other.example.com')
  for (let count = 0; count < 5; count++) await harness.as(operator.id).endAllTokens({ id: operator.id })
})
afterEach(() => harness.stop())

const ids = (count: number) => Array.from({ length: count }, () => uuidv7(Date.now(), randomBytes(10)))
const get = (recordId = '') => harness.as(operator.id).getAuditRecord({ id: operator.id, recordId })
const list = (filters: object = {}) => harness.as(operator.id).listAuditRecords({ id: operator.id, ...filters })

test("listAuditRecords lists only the operator's own records, newest first, and each record once across the pages", async () => {
  const ids: string[] = []
  let pageToken = ''
  let pages = 0
  do {
    const page = await list({ pageSize: 3, pageToken })
    ids.push(...page.records.map(({ id }) => id))
    pageToken = page.nextPageToken
    pages += 1
  } while (pageToken !== '')
  const all = await harness.audit(operator.id)
  expect(ids).toEqual(all.map(({ id }) => id).toReversed())
  expect(ids).toHaveLength(7)
  expect(pages).toBe(3)
})

test('listAuditRecords and getAuditRecord name the key of the caller', async () => {
  const [record] = (await list()).records
  expect(record).toMatchObject({ action: 'operator.end-all-tokens', kid: 'k'.repeat(43), keyLabel: 'laptop' })
  const { record: found } = await get(record?.id)
  expect(found).toEqual(record)
})

test('getAuditRecord returns the signed request of a change, and none for a change of the server', async () => {
  const { records } = await list()
  const { signedRequest } = await get(records[0]?.id)
  expect(signedRequest).toMatchObject({ rpc: 'POST /v1/x', signatures: ['header.payload.signature'] })
  expect(signedRequest?.bodyDigest).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
  expect(await get(records.at(-1)?.id)).toMatchObject({
    record: { action: 'operator.register', kid: '', keyLabel: '' },
  })
  expect((await get(records.at(-1)?.id)).signedRequest).toBeUndefined()
})

test('getAuditRecord finds no record of another operator, and none without a valid id', async () => {
  const other = await harness.activate('third.example.com')
  const [foreign] = await harness.audit(other.id)
  for (const recordId of [foreign?.id ?? '', '', 'x', randomUUID()]) {
    await expect(get(recordId)).rejects.toMatchObject({ reason: 'AUDIT_RECORD_NOT_FOUND' })
  }
})

test('listAuditRecords returns no next page token when the last page is full', async () => {
  expect((await list({ pageSize: 7 })).nextPageToken).toBe('')
})

test('listAuditRecords filters by action, subject, outcome and time', async () => {
  const { id } = operator
  const author = { principal: { kind: 'system' }, requestId: 'r' } as const
  await recordRefusal(harness.prisma, author, {
    action: 'agent.suspend',
    subject: 'did:x',
    operatorId: id,
    reason: 'AGENT_REVOKED',
  })
  const count = async (filters: object) => (await list(filters)).records.length
  expect(await count({})).toBe(8)
  expect(await count({ action: 'operator.end-all-tokens' })).toBe(5)
  expect(await count({ subject: 'did:x' })).toBe(1)
  expect(await count({ outcome: 'refused' })).toBe(1)
  expect(await count({ outcome: 'done' })).toBe(7)
  expect(await count({ outcome: 'done', subject: 'did:x' })).toBe(0)
  const third = (await harness.audit(id))[2]?.at ?? new Date(0)
  const until = timestampFromDate(third)
  const before = await count({ until })
  expect(before).toBeLessThanOrEqual(2)
  expect(before + (await count({ since: until }))).toBe(8)
  expect((await list({ outcome: 'refused' })).records[0]).toMatchObject({
    actor: 'system',
    action: 'agent.suspend',
    reason: 'AGENT_REVOKED',
    requestId: 'r',
  })
})

describe('listAuditRecords with a time filter', () => {
  const AT = Date.UTC(2026, 5, 1)
  const since = timestampFromMs(AT)
  const until = timestampFromMs(AT + 1)

  test.each([
    ['finds', '119.999 s behind', -119_999, 1],
    ['finds', '119.999 s ahead', 119_999, 1],
    ['does not find', '120.001 s behind', -120_001, 0],
    ['does not find', '120.002 s ahead', 120_002, 0],
  ])('%s a record whose id is %s its time', async (_, _clock, offset, found) => {
    await insertRecord({ at: AT, idAt: AT + offset })
    expect((await list({ since, until })).records).toHaveLength(found)
  })

  test.each([
    ['before', -1],
    ['after', 1],
  ])('does not list a record of the millisecond %s the range', async (_, offset) => {
    await insertRecord({ at: AT + offset, idAt: AT })
    expect((await list({ since, until })).records).toEqual([])
  })

  test('accepts times before 1970', async () => {
    expect((await list({ since: timestampFromMs(Date.UTC(1, 0, 1)) })).records).toHaveLength(7)
    expect((await list({ until: timestampFromMs(Date.UTC(1901, 0, 1)) })).records).toEqual([])
  })
})

describe('listAuditRecords on a large table reads about as many rows as it returns', () => {
  const MANY = 4_000
  /** Rows that a page may read in addition to those that it returns. */
  const SPARE = 200

  beforeEach(async () => {
    await harness.prisma.$executeRaw`
      INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, request_id)
      SELECT id, ${operator.id}::uuid, 'agent:did:x', 'token.issue', 'jti-' || n, 'done', 'r'
      FROM unnest(${ids(MANY)}::uuid[]) WITH ORDINALITY AS made (id, n)`
    await harness.prisma.$executeRaw`
      INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, request_id)
      SELECT id, ${operator.id}::uuid, 'operator:x', 'agent.set-scopes', 'did:agent:' || n % 200, 'done', 'r'
      FROM unnest(${ids(MANY)}::uuid[]) WITH ORDINALITY AS made (id, n)`
    await harness.prisma.$executeRaw`ANALYZE audit_logs`
  })

  test.each<[string, object, number]>([
    ['without a filter', {}, 50],
    ['by the subject of one record', { subject: 'jti-7' }, 1],
    ['by a subject of many records', { subject: 'did:agent:7' }, 20],
    ['by a subject that has no record', { subject: 'nobody' }, 0],
    ['by a rare action', { action: 'operator.end-all-tokens' }, 5],
    ['by an action that has no record', { action: 'agent.revoke' }, 0],
    ['by action and subject', { action: 'agent.set-scopes', subject: 'jti-7' }, 0],
    ['by refusals', { outcome: 'refused' }, 0],
    ['by refusals of an action', { outcome: 'refused', action: 'token.issue' }, 0],
    ['by time', { until: timestampFromMs(Date.now() - 3_600_000) }, 0],
  ])('%s', async (_, filters, found) => {
    const before = await rowsRead()
    expect((await list(filters)).records).toHaveLength(found)
    expect((await rowsRead()) - before).toBeLessThan(found + SPARE)
  })
})

async function insertRecord({ at, idAt }: { readonly at: number; readonly idAt: number }): Promise<void> {
  const entry = {
    actor: 'system',
    action: 'agent.expire',
    subject: 'did:x',
    outcome: 'done',
    requestId: 'r',
  } as const
  const id = uuidv7(idAt, new Uint8Array(10))
  await harness.prisma.auditLog.create({ data: { ...entry, id, at: new Date(at), operatorId: operator.id } })
}

/**
 * Returns the rows of the audit that were read so far, by scan or by index. Every connection reports its counts first.
 */
async function rowsRead(): Promise<number> {
  const flush = () => harness.prisma.$executeRaw`SELECT pg_stat_force_next_flush(), pg_sleep(0.02)`
  await Promise.all(Array.from({ length: 10 }, flush))
  const [row] = await harness.prisma.$queryRaw<{ read: bigint }[]>`
    SELECT sum(seq_tup_read + idx_tup_fetch)::bigint AS read FROM pg_stat_user_tables
    WHERE relname ^@ 'audit_logs_'`
  return Number(row?.read)
}

test('listAuditRecords refuses a page size of 201 and a malformed page token', async () => {
  await expect(list({ pageSize: 201 })).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT' })
  await expect(list({ pageToken: 'x' })).rejects.toMatchObject({ reason: 'INVALID_PAGE_TOKEN' })
})
