import { createHash } from 'node:crypto'
import { FeedError } from '@auth4agent/core/revocation/feed'
import { measureHeartbeats } from '@auth4agent/core/revocation/heartbeats'
import { LogKnowledge } from '@auth4agent/core/revocation/log-knowledge'
import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { HomeToken } from '@auth4agent/core/token/claims'
import { trustOf } from '@auth4agent/core/token/token-identity'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sseFeed } from '../../../clients/verifier/src/sse-feed.ts'
import { RevocationService, WatchRevocationsRequestSchema } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { compileLastEventIdReader } from '../../../services/jwks-gateway/rest/event-format.ts'
import { readVectors, type Vector } from '../support/read-vectors.ts'

interface Position {
  readonly log_epoch: number
  readonly sequence: number
  readonly hash_hex: string
}

interface LogRecord {
  readonly log_epoch: number
  readonly sequence: number
  readonly kind: string
  readonly operator_id: string
  readonly subject: string
  readonly minimum_epoch: number
  readonly expires_at_ms: number
  readonly recorded_at_ms: number
  readonly previous_hash_hex: string
}

interface Sent {
  readonly fields: string
  readonly preimage_hex: string
  readonly hash_hex: string
  readonly last_event_id: string
  readonly event: string
}

interface Token {
  readonly kid: string
  readonly jti: string
  readonly operator_id: string
  readonly sub: string
  readonly epoch: [number, number]
  readonly edges?: readonly string[]
  readonly home?: HomeToken
}

interface Known {
  readonly begin_again: boolean
  readonly position: Position | null
  readonly last_event_id: string | null
  readonly is_whole: boolean
}

const file = readVectors('log.json') as {
  records: Vector<LogRecord, Sent>[]
  heartbeat: { observed_at_ms: number; position: Position; expect: { event: string } }
  ages: Vector<
    { clock_skew_ms: number; connected_at_ms: number; heads: { received_at_ms: number; observed_at_ms: number }[] },
    (number | 'refused')[]
  >[]
  effects: Vector<{ records: number[]; token: Token }, string>[]
  events: Record<string, string>
  streams: Vector<{ connections: string[][] }, Known>[]
}

/** Converts a record of a vector into the form in which the verifier keeps records. */
const toRecord = (record: Vector<LogRecord, Sent>) => ({
  logEpoch: record.log_epoch,
  sequence: record.sequence,
  kind: record.kind,
  operatorId: record.operator_id,
  subject: record.subject,
  minimumEpoch: record.minimum_epoch,
  expiresAt: record.expires_at_ms,
  recordedAt: record.recorded_at_ms,
  previousHash: record.previous_hash_hex,
  hash: record.expect.hash_hex,
})

const fromPosition = ({ logEpoch, sequence, hash }: LogPosition): Position => ({
  log_epoch: logEpoch,
  sequence,
  hash_hex: hash,
})

/** Opens a feed whose server answers with this text. Also returns the Last-Event-ID that the feed sends. */
function openFeed(text: string, from: LogPosition | undefined) {
  const sent: (string | undefined)[] = []
  const feed = sseFeed({
    locate: async () => 'https://auth.example.net/v1/revocations',
    authorize: async () => 'Bearer none',
    async fetch(_url, init) {
      sent.push(new Headers(init?.headers).get('last-event-id') ?? undefined)
      return new Response(text, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { events: feed.open(from, new AbortController().signal), sent }
}

const textOf = (names: readonly string[]) => names.map((name) => file.events[name] ?? expect.unreachable(name)).join('')

/** Returns the state of the verifier library after it has read these connections. */
async function follow(connections: readonly (readonly string[])[]): Promise<Known> {
  const known = new LogKnowledge()
  let begin_again = false
  for (const names of connections) {
    begin_again = false
    try {
      for await (const event of openFeed(textOf(names), known.position).events) {
        if (event.kind === 'record') known.apply(event.record)
        else {
          known.reach(event.position)
          known.confirm({ monotonic: 0, wall: 0 })
        }
      }
    } catch (error) {
      if (!(error instanceof FeedError)) throw error
      begin_again = error.mustBeginAgain
      if (begin_again) known.beginAgain()
    }
  }
  const { position } = known
  const next = openFeed('', position)
  for await (const event of next.events) expect.unreachable(event.kind)
  return {
    begin_again,
    position: position === undefined ? null : fromPosition(position),
    last_event_id: next.sent[0] ?? null,
    is_whole: !known.isReplacing,
  }
}

describe('log.json', () => {
  it.each(file.records)('recordHash returns the hash of the vector: $name', (record) => {
    const { fields, preimage_hex, hash_hex } = record.expect
    expect(preimage_hex).toBe(record.previous_hash_hex + Buffer.from(fields).toString('hex'))
    expect(createHash('sha256').update(Buffer.from(preimage_hex, 'hex')).digest('hex')).toBe(hash_hex)
    expect(recordHash(toRecord(record))).toBe(hash_hex)
  })

  it.each(file.records)('the verifier reads the event: $name', async (record) => {
    const { event, last_event_id } = record.expect
    expect(event.split('\n').slice(0, 2)).toEqual(['event: record', `id: ${last_event_id}`])
    const read = await Array.fromAsync(openFeed(event, undefined).events)
    expect(read).toEqual([{ kind: 'record', record: toRecord(record) }])
  })

  it.each(file.records)('the server reads the position in the Last-Event-ID: $name', (record) => {
    const request = create(WatchRevocationsRequestSchema)
    compileLastEventIdReader(RevocationService.method.watchRevocations)(request, record.expect.last_event_id)
    expect(request).toMatchObject({ logEpoch: record.log_epoch, afterSequence: BigInt(record.sequence) })
    expect(Buffer.from(request.hash).toString('hex')).toBe(record.expect.hash_hex)
  })

  it('the verifier reads the head from a heartbeat', async () => {
    const { observed_at_ms, position, expect: expected } = file.heartbeat
    const [head] = await Array.fromAsync(openFeed(expected.event, undefined).events)
    if (head?.kind !== 'head') throw new Error('The event must be a heartbeat')
    expect(head.observedAt).toBe(observed_at_ms)
    expect(fromPosition(head.position)).toEqual(position)
  })

  it.each(file.ages)('the age of a heartbeat: $name', ({ clock_skew_ms, connected_at_ms, heads, expect: known }) => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: connected_at_ms })
    onTestFinished(() => void vi.useRealTimers())
    const measure = measureHeartbeats(clock_skew_ms)
    const moments = heads.map(({ received_at_ms, observed_at_ms }) => {
      vi.advanceTimersByTime(received_at_ms - Date.now())
      try {
        return measure(observed_at_ms).wall
      } catch (error) {
        if (error instanceof FeedError) return 'refused'
        throw error
      }
    })
    expect(moments).toEqual(known)
  })

  it.each(file.effects)('the verdict after some records is $expect: $name', ({ records, token, expect: verdict }) => {
    const state = createRevocationState()
    for (const record of file.records) if (records.includes(record.sequence)) state.apply(toRecord(record))
    const { kid, jti, sub, operator_id: operatorId, epoch } = token
    const [agentEpoch, operatorEpoch] = epoch
    const bare = { kid, jti, sub, operatorId, agentEpoch, operatorEpoch }
    expect(state.lookup({ ...bare, ...trustOf(token) }) ?? 'VALID').toBe(verdict)
  })

  it.each(file.streams)('a watcher reads the streams: $name', async ({ connections, expect: known }) => {
    expect(await follow(connections)).toEqual(known)
  })
})
