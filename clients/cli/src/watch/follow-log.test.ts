import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { FeedError, type FeedEvent, type RevocationFeed } from '@auth4agent/verifier'
import { describe, expect, it } from 'vitest'
import { type FollowOptions, followLog, type LogNews } from './follow-log.ts'

type Connection = (from: LogPosition | undefined, signal: AbortSignal) => AsyncIterable<FeedEvent>

const record = (sequence: number, logEpoch = 1): FeedEvent & { kind: 'record' } => {
  const entry: RevocationRecord = {
    kind: 'token',
    operatorId: 'op',
    subject: `jti-${sequence}`,
    minimumEpoch: 0,
    expiresAt: 2,
    recordedAt: 1,
    sequence,
    logEpoch,
    hash: String(sequence),
    previousHash: String(sequence - 1),
  }
  return { kind: 'record', record: entry }
}
const head = (sequence: number, logEpoch = 1): FeedEvent => ({
  kind: 'head',
  position: { logEpoch, sequence, hash: String(sequence) },
  observedAt: 1,
})

async function* events(...list: readonly FeedEvent[]): AsyncGenerator<FeedEvent> {
  yield* list
}

async function* failing(error: Error, ...list: readonly FeedEvent[]): AsyncGenerator<FeedEvent> {
  yield* list
  throw error
}

const pause = () => Promise.resolve()

/** Sends one heartbeat and then nothing until the signal aborts. */
const silent: Connection = async function* (_from, signal) {
  yield head(1)
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** Follows the log over these connections, one after the other, and ends after the last one. */
async function follow(connections: readonly Connection[], options: Partial<FollowOptions> = {}) {
  const opened: (number | undefined)[] = []
  const end = new AbortController()
  const feed: RevocationFeed = {
    open(from, signal) {
      const connection = connections[opened.length]
      opened.push(from?.sequence)
      if (connection !== undefined) return connection(from, signal)
      end.abort()
      return events()
    },
  }
  const news: LogNews[] = []
  for await (const each of followLog({
    feed,
    from: undefined,
    signal: end.signal,
    pause,
    random: () => 0,
    ...options,
  })) {
    news.push(each)
  }
  return { news, opened }
}

/** Writes records as numbers, older ones in brackets, and heartbeats as dots. */
function brief(news: readonly LogNews[]): string {
  const texts = news.map((each) => {
    if (each.kind === 'record') return each.isNew ? `${each.record.sequence}` : `(${each.record.sequence})`
    return each.kind === 'heartbeat' ? '.' : each.kind
  })
  return texts.join(' ')
}

describe('followLog', () => {
  it('marks records after the first heartbeat as new', async () => {
    const { news } = await follow([() => events(record(1), record(2), head(2), record(3), head(3))])
    expect(brief(news)).toBe('(1) (2) . 3 . lost')
  })

  it('continues at its position after a lost connection and returns each record once', async () => {
    const { news, opened } = await follow([
      () => events(record(1), head(1), record(2)),
      () => events(record(2), record(3), head(3)),
      () => failing(new Error('cut'), head(3)),
    ])
    expect(brief(news)).toBe('(1) . 2 lost 3 . lost . lost')
    expect(opened).toEqual([undefined, 2, 3, 3])
  })

  it('resumes in the log epoch of the head, not of the record', async () => {
    const { news } = await follow([() => events(head(1, 2), record(2, 1))])
    expect(news[1]).toMatchObject({ position: { logEpoch: 2, sequence: 2 } })
  })

  it('begins after the position of `from` and returns no older records', async () => {
    const from = { logEpoch: 1, sequence: 5, hash: '5' }
    const { news, opened } = await follow([() => events(record(6), head(6))], { from })
    expect(brief(news)).toBe('6 . lost')
    expect(opened[0]).toBe(5)
  })

  it('begins again if its position is no longer valid', async () => {
    const { news, opened } = await follow([
      () => events(record(7), head(7)),
      () => failing(new FeedError('RESYNC_REQUIRED', { mustBeginAgain: true })),
      () => events(record(1), head(1)),
    ])
    expect(brief(news)).toBe('(7) . lost begins-again lost 1 . lost')
    expect(opened).toEqual([undefined, 7, undefined, 1])
  })

  it('waits as long as the server asks', async () => {
    const { news } = await follow([() => events(head(1)), () => failing(new FeedError('busy', { retryAfterMs: 7000 }))])
    expect(news.at(-1)).toMatchObject({ kind: 'lost', why: 'busy', pauseMs: 7250 })
  })

  it('treats a silent connection as lost', async () => {
    const { news } = await follow([silent], { patienceMs: 20 })
    expect(news.at(-1)).toMatchObject({ kind: 'lost', why: 'The server was silent for 0.02 s' })
  })

  it('rejects if the first connection fails', async () => {
    await expect(follow([() => failing(new FeedError('401'))])).rejects.toThrow('401')
  })
})
