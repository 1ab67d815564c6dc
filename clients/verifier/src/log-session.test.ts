import type { RevocationFeed } from '@auth4agent/core/revocation/feed'
import { applyRecord, beginSession, forgetExpired } from '@auth4agent/core/revocation/log-session'
import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { expect, it } from 'vitest'
import { grpcFeed, type RevocationClient } from './grpc-feed.ts'
import { sseFeed } from './sse-feed.ts'

const CONTENT = {
  logEpoch: 1,
  sequence: 7,
  operatorId: '',
  subject: 'some-jti',
  minimumEpoch: 0,
  expiresAt: 1_800_000_000_000,
  recordedAt: 1_700_000_000_000,
  previousHash: '',
}

/** Makes a record of any kind with a correct hash, as an issuer does that knows the kind. */
const written = (kind: string): RevocationRecord => ({
  ...CONTENT,
  kind,
  hash: recordHash({ ...CONTENT, kind }),
})

function overServerSentEvents({ logEpoch, sequence, hash, kind, ...record }: RevocationRecord): RevocationFeed {
  const data = JSON.stringify({
    position: { log_epoch: logEpoch, sequence, hash: Buffer.from(hash, 'hex').toString('base64') },
    previous_hash: record.previousHash,
    kind: `REVOCATION_KIND_${kind.toUpperCase()}`,
    operator_id: record.operatorId,
    subject: record.subject,
    minimum_epoch: record.minimumEpoch,
    expires_at: new Date(record.expiresAt).toISOString(),
    recorded_at: new Date(record.recordedAt).toISOString(),
  })
  return feedOfText(`event: record\ndata: ${data}\n\n`)
}

function feedOfText(text: string): RevocationFeed {
  return sseFeed({
    fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
    locate: async () => 'https://auth.example.com/v1/revocations',
    authorize: async () => 'Bearer x',
  })
}

const toTimestamp = (ms: number) => ({ seconds: BigInt(ms / 1_000), nanos: 0 })

function overGrpc({ logEpoch, sequence, hash, kind, ...record }: RevocationRecord): RevocationFeed {
  const value = {
    ...record,
    position: { logEpoch, sequence: BigInt(sequence), hash: Buffer.from(hash, 'hex') },
    previousHash: new Uint8Array(),
    // The numbers of RevocationKind. The issuer of a newer version sends another number.
    kind: { token: 1, issuer: 6, edge: 7 }[kind] ?? 9,
    expiresAt: toTimestamp(record.expiresAt),
    recordedAt: toTimestamp(record.recordedAt),
  }
  return feedOfMessage({ case: 'record', value })
}

type Message = ReturnType<RevocationClient['watchRevocations']> extends AsyncIterable<infer M> ? M : never

function feedOfMessage(event: Message['event']): RevocationFeed {
  return grpcFeed({
    async *watchRevocations() {
      yield { event }
    },
  })
}

const READ_AGAIN_LATER = { name: 'FeedError', mustBeginAgain: true, retryAfterMs: 30_000 }

/** Resolves with the number of records that were applied. */
async function readAll(feed: RevocationFeed): Promise<number> {
  const session = beginSession()
  for await (const event of feed.open(undefined, new AbortController().signal)) {
    if (event.kind === 'record') applyRecord(session, event.record)
  }
  return session.state.size
}

it.each([
  ['server-sent events', overServerSentEvents],
  ['gRPC', overGrpc],
])(
  'a session over %s applies records of known kinds, and reads the log again later after a record of an unknown kind',
  async (_name, feed) => {
    for (const kind of ['token', 'issuer', 'edge']) expect(await readAll(feed(written(kind))), kind).toBe(1)
    await expect(readAll(feed(written('planet')))).rejects.toMatchObject(READ_AGAIN_LATER)
  },
)

it.each<[string, RevocationFeed]>([
  ['an event of an unknown name', feedOfText('event: planet\ndata: {}\n\n')],
  ['an event without a name', feedOfText('data: {}\n\n')],
  ['an incomplete record', feedOfText('event: record\ndata: {}\n\n')],
  ['a head of null', feedOfText('event: head\ndata: null\n\n')],
  ['a message of an unknown case', feedOfMessage({ case: undefined })],
  ['a head without a position', feedOfMessage({ case: 'head', value: {} })],
])('a feed reads the log again later after %s', async (_name, feed) => {
  await expect(readAll(feed)).rejects.toMatchObject(READ_AGAIN_LATER)
})

it('a session keeps one expiry time for 1,000 records, and forgets them when the last of them has expired', () => {
  const session = beginSession()
  let previousHash = ''
  for (let sequence = 1; sequence <= 2_500; sequence += 1) {
    const content = {
      ...CONTENT,
      kind: 'token',
      sequence,
      subject: `jti-${sequence}`,
      expiresAt: sequence,
      previousHash,
    }
    previousHash = recordHash(content)
    applyRecord(session, { ...content, hash: previousHash })
  }
  expect(session.runs).toHaveLength(3)
  forgetExpired(session, 1_999)
  expect(session.state.size).toBe(1_500)
  forgetExpired(session, 2_500)
  expect([session.state.size, session.runs]).toEqual([0, []])
})
