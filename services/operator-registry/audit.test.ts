import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { recordRefusal } from '../shared/ledger/ledger.ts'
import { type Harness, type Registered, startHarness } from './testing/harness.ts'

let harness: Harness
let operator: Registered
beforeEach(async () => {
  harness = await startHarness()
  operator = await harness.activate('agents.example.com')
  await harness.activate('other.example.com')
  for (let count = 0; count < 5; count++) await harness.as(operator.id).endAllTokens({ id: operator.id })
})
afterEach(() => harness.stop())

const list = (filters: object = {}) => harness.as(operator.id).listAuditRecords({ id: operator.id, ...filters })

test('lists the own records alone, newest first, page by page, each once', async () => {
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

test('a last page that is full has no next', async () => {
  expect((await list({ pageSize: 7 })).nextPageToken).toBe('')
})

test('filters by action, subject, outcome and time', async () => {
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

test('refuses what is no page', async () => {
  await expect(list({ pageSize: 201 })).rejects.toMatchObject({ reason: 'INVALID_ARGUMENT' })
  await expect(list({ pageToken: 'x' })).rejects.toMatchObject({ reason: 'INVALID_PAGE_TOKEN' })
})
