import { hash } from 'node:crypto'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentLog, newKey, newP256Key, registerWithLog } from '../../../test/support/agent-log.ts'
import {
  anonymous,
  type IdentityFixture,
  identityFixture,
  newAgent,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { rowsRead } from '../../../test/support/rows-read.ts'

let fixture: IdentityFixture
let operator: TestOperator
let agent: Awaited<ReturnType<typeof registerWithLog>>

const now = () => fixture.clock.now

beforeAll(async () => {
  fixture = await identityFixture()
  operator = await fixture.operator('acme.example')
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  agent = await registerWithLog(fixture.identity, operator, now)
})

/** Inserts events that only fill the log. Their type is one after which the keys are the same. */
async function fill(from: number, count: number, bytes: number) {
  const data = Array.from({ length: count }, (_, index) => ({
    agentId: agent.id,
    seq: from + index,
    type: 'deactivate' as const,
    event: `${from + index}.`.padEnd(bytes, 'x'),
    digest: Uint8Array.of(index),
  }))
  await fixture.db.prisma.agentKeyEvent.createMany({ data })
  // The last event is read to answer the list, so it must be well-formed.
  const { head, did } = await agent.state().catch(() => ({ head: 'A'.repeat(43), did: agent.did }))
  const claims = { type: 'deactivate', did, seq: from + count, iat: Math.floor(now() / 1000), prev: head }
  const event = [{ alg: 'EdDSA', typ: 'auth4agent-key-event+jwt', kid: 'k' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const last = { agentId: agent.id, seq: from + count, type: 'deactivate', event: `${event}.AA` } as const
  await fixture.db.prisma.agentKeyEvent.create({ data: { ...last, digest: Uint8Array.of(1) } })
}

/** Reads all pages. Returns the numbers of the events in each page. */
async function pages(pageSize?: number): Promise<number[][]> {
  const found: number[][] = []
  let pageToken = ''
  do {
    const { events = [], nextPageToken = '' } = await agent.list({ pageToken, ...(pageSize && { pageSize }) })
    found.push(events.map(({ seq = -1 }) => seq))
    pageToken = nextPageToken
  } while (pageToken !== '')
  return found
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('listKeyEvents', () => {
  it('returns events as they were signed, so that everybody can replay them', async () => {
    const key = newKey()
    await agent.append(agent.key, { type: 'rotate', key })
    const { events = [], nextPageToken } = await agent.list()
    expect(nextPageToken).toBe('')
    expect(events.map(({ event = '' }) => hash('sha256', event, 'base64url'))).toEqual(
      events.map(({ digest }) => digest),
    )
    expect(
      replayKeyEvents(
        events.map(({ event = '' }) => event),
        agent.did,
      ),
    ).toMatchObject({ ok: true })
    expect(events).toMatchObject([
      { seq: 0, type: 'inception' },
      { seq: 1, type: 'rotate' },
    ])
  })

  it('names the types as the events do', async () => {
    const key = newP256Key()
    await agent.append(agent.key, { type: 'add-key', key, label: 'laptop', exp: Math.floor(now() / 1000) + 60 })
    await agent.append(agent.key, { type: 'remove-key', kid: key.kid })
    expect((await agent.list()).events?.map(({ type }) => type)).toEqual(['inception', 'add-key', 'remove-key'])
  })

  it('returns the computed inception of an agent that an older process has registered', async () => {
    const old = await registerWithLog(fixture.identity, operator, now, { isRecorded: true })
    expect(await fixture.db.prisma.agentKeyEvent.count({ where: { agentId: old.id } })).toBe(0)
    const first = await old.list()
    fixture.clock.now += 100_000
    expect(await old.list()).toEqual(first)
    expect(first).toMatchObject({ events: [{ seq: 0, type: 'inception' }], nextPageToken: '' })
    const { nextPageToken = '' } = await agent.list({ pageSize: 1 })
    expect(nextPageToken).toBe('')
    expect(await old.state()).toMatchObject({ recorded: true, kid: old.key.kid })
  })

  it('returns 100 events a page by default, and the requested number otherwise', async () => {
    await fill(1, 249, 10)
    expect(await pages()).toEqual([range(0, 99), range(100, 199), range(200, 250)])
    expect(await pages(500)).toEqual([range(0, 250)])
    expect(await pages(125)).toEqual([range(0, 124), range(125, 249), [250]])
  })

  it('ends a page after 128 KiB, so that the longest events cost no more than others', async () => {
    await fill(1, 40, 8192)
    expect((await pages(500)).map((page) => page.length)).toEqual([17, 16, 9])
  })

  it('reads no keys that the agent had before', async () => {
    const bytesOf = async () => (await rowsRead(() => agent.list({ pageSize: 1 }))).bytes
    const before = await bytesOf()
    let signer = agent.key
    for (let count = 0; count < 5; count += 1) {
      const key = newKey()
      await agent.append(signer, { type: 'rotate', key })
      signer = key
    }
    expect(await bytesOf()).toBe(before)
  })

  it('returns the log of a pending and of a revoked agent', async () => {
    const pending = await registerWithLog(fixture.identity, operator, now, { caller: anonymous() })
    expect((await pending.list()).events).toHaveLength(1)
    await agent.append(agent.key, { type: 'deactivate' })
    expect((await agent.list()).events).toHaveLength(2)
  })

  it('refuses a page size, a page token and a DID that are malformed, and an unknown DID', async () => {
    expect(await refusalOf(agent.list({ pageSize: 501 }))).toBe('INVALID_ARGUMENT')
    expect(await refusalOf(agent.list({ pageSize: -1 }))).toBe('INVALID_ARGUMENT')
    for (const text of ['x', '-1', '1.5', '01', '1e3', '9999999999', 'NaN']) {
      const pageToken = Buffer.from(text).toString('base64url')
      expect(await refusalOf(agent.list({ pageToken }))).toBe('INVALID_PAGE_TOKEN')
    }
    expect(await refusalOf(agentLog(fixture.identity, 'acme', now).list())).toBe('INVALID_DID')
    const { did } = newAgent('acme.example')
    expect(await refusalOf(agentLog(fixture.identity, did, now).list())).toBe('AGENT_NOT_FOUND')
  })
})
