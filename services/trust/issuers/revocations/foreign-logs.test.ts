import { once } from 'node:events'
import { type RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../../../../test/support/database.ts'
import { ALPHA, alpha, GAMMA, gamma } from '../../../../test/support/federation/foreign-parties.ts'
import { type HandLog, handLog } from '../../../../test/support/hand-feed.ts'
import { until } from '../../../../test/support/until.ts'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import { createForeignLogs, type ForeignLogsOptions } from './foreign-logs.ts'

const base64 = (hash: string) => Buffer.from(hash, 'hex').toString('base64')
const positionOf = ({ logEpoch, sequence, hash }: HandLog['position']) => {
  return { log_epoch: logEpoch, sequence, hash: base64(hash) }
}
const isoOf = (ms: number) => new Date(ms).toISOString()

function recordEvent(record: RevocationRecord): string {
  const { kind, operatorId, subject, minimumEpoch, expiresAt, recordedAt, previousHash } = record
  const data = {
    position: positionOf(record),
    kind: `REVOCATION_KIND_${kind.toUpperCase()}`,
    operator_id: operatorId,
    subject,
    minimum_epoch: minimumEpoch,
    expires_at: isoOf(expiresAt),
    recorded_at: isoOf(recordedAt),
    previous_hash: base64(previousHash),
  }
  return `event: record\ndata: ${JSON.stringify(data)}\n\n`
}

/** Makes the stream of a log. It stays open until the follower ends it. */
function streamOf(...parts: readonly Partial<RevocationRecord>[]) {
  const log = handLog({ logEpoch: 1, sequence: 0, hash: '' })
  const records = parts.map((part) => log.append(part))
  return async function* stream(signal: AbortSignal | undefined) {
    for (const event of records) if (event.kind === 'record') yield Buffer.from(recordEvent(event.record))
    const head = { position: positionOf(log.position), observed_at: isoOf(Date.now()) }
    yield Buffer.from(`event: head\ndata: ${JSON.stringify(head)}\n\n`)
    if (signal?.aborted === false) await once(signal, 'abort')
  }
}

type Stream = ReturnType<typeof streamOf>

function follow(streams: Readonly<Record<string, Stream>>, options: Partial<ForeignLogsOptions> = {}) {
  const logs = createForeignLogs({
    outbound: {
      stream(url, { signal }) {
        const [, stream] = Object.entries(streams).find(([issuer]) => url.startsWith(issuer)) ?? []
        if (stream === undefined) throw new RangeError(`No stream of ${url}`)
        return stream(signal)
      },
    },
    authorize: async () => 'Bearer x',
    skewMs: 10_000,
    log: silentLog,
    onEdge: () => undefined,
    onKey: () => undefined,
    renewKeys: async () => undefined,
    ...options,
  })
  onTestFinished(() => logs.close())
  logs.follow(new Map([alpha, gamma].filter(({ issuer }) => issuer in streams).map((row) => [row.issuer, row])))
  return logs
}

const untilCurrent = (logs: ReturnType<typeof follow>, issuer: string) =>
  until(
    async () => logs.asOf(issuer),
    (time) => time !== undefined,
  )

it('asOf returns whole milliseconds, because a Timestamp has no fraction of them', async () => {
  const logs = follow({ [ALPHA]: streamOf() })
  expect(logs.asOf(ALPHA)).toBeUndefined()
  expect(Number.isInteger(await untilCurrent(logs, ALPHA))).toBe(true)
  logs.follow(new Map())
  expect(logs.asOf(ALPHA)).toBeUndefined()
})

it('tells which edges and keys a log ends', async () => {
  const seen: string[] = []
  const parts = [
    { kind: 'edge', subject: 'e' },
    { kind: 'key', subject: 'k' },
    { kind: 'token', subject: 't' },
  ]
  const logs = follow(
    { [ALPHA]: streamOf(...parts) },
    { onEdge: (id, edge) => seen.push(`edge ${id} ${edge}`), onKey: (id, kid) => seen.push(`key ${id} ${kid}`) },
  )
  await untilCurrent(logs, ALPHA)
  expect(seen).toEqual([`edge ${alpha.id} e`, `key ${alpha.id} k`])
})

it.each([
  ['has more records than its share', Array.from({ length: 3_000 }, (_, n) => ({ subject: `jti-${n}` }))],
  ['has a subject of 513 characters', [{ subject: 'x'.repeat(513) }]],
  ['has an operator id of 65 characters', [{ operatorId: 'x'.repeat(65) }]],
])('an issuer whose log %s becomes stale, and no other', async (_, parts) => {
  const problem = Promise.withResolvers<void>()
  const log = { ...silentLog, warn: () => problem.resolve() }
  const logs = follow({ [ALPHA]: streamOf(...parts), [GAMMA]: streamOf() }, { log, maxRecords: 2_000 })
  await problem.promise
  await untilCurrent(logs, GAMMA)
  expect(logs.asOf(ALPHA)).toBeUndefined()
  expect(logs.of(ALPHA)?.size).toBe(0)
})

it('an issuer whose log goes back in the same log epoch becomes stale', async () => {
  const [whole, shorter] = [streamOf({ subject: 'one' }, { subject: 'two' }), streamOf({ subject: 'one' })]
  const given = Promise.withResolvers<void>()
  const streams: Stream[] = [
    async function* broken(signal) {
      for await (const chunk of whole(signal)) {
        yield chunk
        if (chunk.includes('event: head')) throw new OutboundError('STATUS', 'The position is unknown', 410)
      }
    },
    (signal) => {
      signal?.addEventListener('abort', () => given.resolve())
      return shorter(signal)
    },
  ]
  const logs = follow({ [ALPHA]: (signal) => (streams.shift() ?? shorter)(signal) })
  // The follower gives up the second stream, because it lacks a record of the first one.
  await given.promise
  expect(logs.asOf(ALPHA)).toBeUndefined()
  expect(logs.of(ALPHA)?.size).toBe(2)
})
