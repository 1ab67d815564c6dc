import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import {
  LogHeadSchema,
  type WatchRevocationsResponse,
  WatchRevocationsResponseSchema,
} from '../../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { compileEventWriter, errorEvent } from '../../../../services/jwks-gateway/rest/event-format.ts'
import { ApiError } from '../../../../services/platform/errors/api-error.ts'
import { toPosition, toRecord } from '../../../../services/revocation/messages.ts'
import { DID, describe, NOW_S, OPERATOR_ID, SIGNING_KEYS } from './parties.ts'

const NOW_MS = NOW_S * 1000
const HOUR_MS = 3_600_000
const JTI = 'token-1'
const write = compileEventWriter(WatchRevocationsResponseSchema)

/** The first lines of every stream. */
const RETRY = 'retry: 1000\n\n'
const START: LogPosition = { logEpoch: 1, sequence: 0, hash: '' }

/** Makes the record that follows a position. */
function append(after: LogPosition, part: Partial<RevocationRecord>): RevocationRecord {
  const sequence = after.sequence + 1
  const record = {
    logEpoch: after.logEpoch,
    sequence,
    kind: 'token',
    operatorId: '',
    subject: '',
    minimumEpoch: 0,
    expiresAt: NOW_MS + HOUR_MS + sequence * 1000,
    recordedAt: NOW_MS + sequence * 1000 + 123,
    previousHash: after.hash,
    ...part,
  }
  return { ...record, hash: recordHash(record) }
}

const TOKEN = append(START, { kind: 'token', operatorId: OPERATOR_ID, subject: JTI })
const AGENT = append(TOKEN, { kind: 'agent', operatorId: OPERATOR_ID, subject: DID, minimumEpoch: 4 })
const OPERATOR = append(AGENT, { kind: 'operator', operatorId: OPERATOR_ID, minimumEpoch: 3 })
const KEY = append(OPERATOR, { kind: 'key', subject: SIGNING_KEYS.EdDSA.kid })
/** A record after a standby was promoted, so it has log epoch 2. */
const DEPLOYMENT = append(KEY, { kind: 'deployment', minimumEpoch: 7, logEpoch: 2 })
const LOG = [TOKEN, AGENT, OPERATOR, KEY, DEPLOYMENT] as const

/** Makes records of the revocation log with their hashes, streams, and the state of a watcher that reads them. */
export function makeLog(): object {
  return {
    description: describe(
      'The revocation log. `records`: a record, the bytes that are hashed and the event that is sent.',
      '`heartbeat`: a head and the event that is sent.',
      'The hash is SHA-256 over the bytes of the previous hash followed by `fields` in UTF-8.',
      '`ages`: for each head, the time up to which the watcher has certainly read the whole log, in milliseconds of its clock.',
      '`effects`: the verdict on a token after some records. `records` lists the sequences of these records.',
      '`events`: texts by their names. `streams`: the texts that a watcher reads over several connections,',
      'and the state of the watcher after the last one.',
    ),
    records: LOG.map(described),
    heartbeat: {
      observed_at_ms: NOW_MS + 60_000,
      position: positionOf(KEY),
      expect: { event: head(KEY) },
    },
    ages: ages(),
    effects: effects(),
    ...streams(),
  }
}

function described(record: RevocationRecord): object {
  const { logEpoch, sequence, kind, operatorId, subject, minimumEpoch, expiresAt, recordedAt, previousHash } = record
  const fields = [logEpoch, sequence, kind, operatorId, subject, minimumEpoch, expiresAt, recordedAt].join('\n')
  return {
    name: `record ${sequence}, of kind ${kind}`,
    log_epoch: logEpoch,
    sequence,
    kind,
    operator_id: operatorId,
    subject,
    minimum_epoch: minimumEpoch,
    expires_at_ms: expiresAt,
    recorded_at_ms: recordedAt,
    previous_hash_hex: previousHash,
    expect: {
      fields,
      preimage_hex: previousHash + Buffer.from(fields).toString('hex'),
      hash_hex: record.hash,
      last_event_id: lastEventId(record),
      event: event(record),
    },
  }
}

function send(message: WatchRevocationsResponse['event']): string {
  return write(create(WatchRevocationsResponseSchema, { event: message }))
}

function event(record: RevocationRecord): string {
  return send({ case: 'record', value: toRecord(record) })
}

function head(at: LogPosition, observedAtMs = NOW_MS + 60_000): string {
  const value = create(LogHeadSchema, { position: toPosition(at), observedAt: timestampFromMs(observedAtMs) })
  return send({ case: 'head', value })
}

function positionOf({ logEpoch, sequence, hash }: LogPosition): object {
  return { log_epoch: logEpoch, sequence, hash_hex: hash }
}

function lastEventId({ logEpoch, sequence, hash }: LogPosition): string {
  return `${logEpoch}-${sequence}-${Buffer.from(hash, 'hex').toString('base64url')}`
}

interface TokenFacts {
  readonly kid: string
  readonly jti: string
  readonly operator_id: string
  readonly sub: string
  readonly epoch: readonly [agent: number, operator: number]
}

const FACTS: TokenFacts = {
  kid: SIGNING_KEYS.ES256.kid,
  jti: 'another-token',
  operator_id: OPERATOR_ID,
  sub: DID,
  epoch: [9, 9],
}

const at = (ms: number) => NOW_MS + ms

/** Makes a case of heads on one connection: the watcher's clock when a head arrives, and the server's clock in it. */
const measured = (
  name: string,
  heads: readonly (readonly [received: number, observed: number])[],
  ...known: readonly (number | 'refused')[]
) => ({
  name,
  clock_skew_ms: 10_000,
  connected_at_ms: at(0),
  heads: heads.map(([received, observed]) => ({ received_at_ms: at(received), observed_at_ms: at(observed) })),
  expect: known.map((ms) => (ms === 'refused' ? ms : at(ms))),
})

function ages(): object[] {
  const calm = [0, 1000] as const
  return [
    measured('the first head counts from the start of the connection', [[200, 100]], 0),
    measured(
      'a later head counts later by the difference of the times in both heads',
      [
        [200, 100],
        [1200, 1100],
      ],
      ...calm,
    ),
    measured(
      'a head that the network held back',
      [
        [200, 100],
        [9000, 1100],
      ],
      ...calm,
    ),
    measured(
      "a server's clock that is 5 s behind",
      [
        [200, -4900],
        [1200, -3900],
      ],
      ...calm,
    ),
    measured(
      "a server's clock that is 5 s ahead",
      [
        [200, 5100],
        [1200, 6100],
      ],
      ...calm,
    ),
    measured(
      "a server's clock that runs fast: a head never counts later than it arrives",
      [
        [200, 100],
        [1200, 2000],
        [2200, 3000],
        [3200, 3500],
      ],
      0,
      1200,
      2200,
      2700,
    ),
    measured('a first head that is exactly as old as the clock skew allows', [[200, -10_000]], 0),
    measured(
      'a first head that is older than the clock skew allows, as if somebody had kept it',
      [[200, -10_001]],
      'refused',
    ),
  ]
}

/** Makes verdicts after some records. `records` lists the sequences of records of this file. */
function effects(): object[] {
  const all = LOG.map(({ sequence }) => sequence)
  const judged = (name: string, changed: Partial<TokenFacts>, expect: string, records: readonly number[] = all) => ({
    name,
    records,
    token: { ...FACTS, ...changed },
    expect,
  })
  return [
    judged('no record', { kid: SIGNING_KEYS.EdDSA.kid, jti: JTI, epoch: [1, 1] }, 'VALID', []),
    judged('a token that no record ends', {}, 'VALID'),
    judged('the revoked token', { jti: JTI }, 'TOKEN_REVOKED'),
    judged('an agent epoch below the minimum', { epoch: [3, 9] }, 'AGENT_TOKENS_ENDED'),
    judged('an agent epoch at the minimum', { epoch: [4, 9] }, 'VALID'),
    judged('an operator epoch below the minimum of the operator', { epoch: [9, 2] }, 'OPERATOR_TOKENS_ENDED', [3]),
    judged('an operator epoch at the minimum of the operator', { epoch: [9, 3] }, 'VALID', [3]),
    judged('an operator epoch below the minimum of the deployment', { epoch: [9, 6] }, 'OPERATOR_TOKENS_ENDED'),
    judged('an operator epoch at the minimum of the deployment', { epoch: [9, 7] }, 'VALID'),
    judged('a compromised signing key', { kid: SIGNING_KEYS.EdDSA.kid }, 'UNKNOWN_KEY'),
    judged(
      'both epochs below the minimum, and no record of the deployment',
      { epoch: [1, 1] },
      'OPERATOR_TOKENS_ENDED',
      [2, 3],
    ),
    judged('only the epoch of the agent below the minimum', { epoch: [1, 9] }, 'AGENT_TOKENS_ENDED'),
    judged('the key before token and epochs', { kid: SIGNING_KEYS.EdDSA.kid, jti: JTI, epoch: [1, 1] }, 'UNKNOWN_KEY'),
    judged('the token before both epochs', { jti: JTI, epoch: [1, 1] }, 'TOKEN_REVOKED'),
    judged("the operator's epoch before the agent's", { epoch: [1, 1] }, 'OPERATOR_TOKENS_ENDED'),
  ]
}

/** The state of a watcher after its connections. */
interface Known {
  /** Whether the watcher must forget its position and read the log from the beginning. */
  readonly begin_again: boolean
  /** The position from which the watcher continues; null if it begins without a position. */
  readonly position: object | null
  /** The Last-Event-ID of the watcher's next connection; null if it sends none. */
  readonly last_event_id: string | null
  /** Whether a head has confirmed everything that the watcher has read. */
  readonly is_whole: boolean
}

/** The texts that streams contain, by their names. Several streams contain the same text. */
class Events {
  readonly texts: Record<string, string> = { retry: RETRY }

  /** Keeps a text under a name, and returns the name. */
  add(name: string, text: string): string {
    this.texts[name] = text
    return name
  }
}

const stream = (...names: readonly string[]) => ['retry', ...names]
const knows = (at: LogPosition, is_whole = true): Known => ({
  begin_again: false,
  position: positionOf(at),
  last_event_id: lastEventId(at),
  is_whole,
})

const broken: Known = { begin_again: true, position: null, last_event_id: null, is_whole: false }
const followed = (name: string, expect: Known, ...connections: readonly (readonly string[])[]) => ({
  name,
  connections,
  expect,
})

/** Returns the event that ends a stream. It leaves out the texts for people, because they may change. */
function errorOf(reason: 'RESYNC_REQUIRED' | 'UNAVAILABLE'): string {
  return errorEvent(new ApiError(reason), 'request-1').replaceAll(/"(?:title|detail|error)":"[^"]*",/g, '')
}

function streams(): { readonly events: object; readonly streams: object[] } {
  const events = new Events()
  const record = (each: RevocationRecord) => events.add(`record ${each.sequence}`, event(each))
  const headAt = (at: LogPosition) => events.add(`head ${at.sequence} of log epoch ${at.logEpoch}`, head(at))
  const promoted = { ...KEY, logEpoch: 2 }
  const [one, two, three, four, five] = LOG.map(record) as [string, string, string, string, string]
  const heads = {
    none: headAt(START),
    one: headAt(TOKEN),
    two: headAt(AGENT),
    four: headAt(KEY),
    promoted: headAt(promoted),
    five: headAt(DEPLOYMENT),
  }
  const forged = events.add('record 2 with another subject', event({ ...AGENT, subject: `${DID.slice(0, -1)}0` }))
  const fork = append({ ...TOKEN, hash: AGENT.hash }, { kind: 'token', operatorId: OPERATOR_ID, subject: 'fork' })
  const forked = events.add('record 2 of a fork', event(fork))
  const later = events.add('head 4 again, observed later', head(KEY, NOW_MS + 61_000))
  const error = (reason: 'RESYNC_REQUIRED' | 'UNAVAILABLE') => events.add(`error ${reason}`, errorOf(reason))
  const bad = (name: string, text: string) => followed(name, broken, stream(events.add(name, text)))
  const respelled = (name: string, text: string) =>
    followed(name, knows(TOKEN), stream(events.add(`record 1 and head 1: ${name}`, text)))
  const firstTwo = event(TOKEN) + head(TOKEN)
  const future = append(START, { kind: 'future', operatorId: OPERATOR_ID })
  const noHash = Buffer.alloc(31).toString('base64')
  const list = [
    followed('an empty log', knows(START), stream(heads.none)),
    followed('the whole log', knows(KEY), stream(one, two, three, four, heads.four)),
    followed('more than one heartbeat', knows(KEY), stream(one, two, three, four, heads.four, later)),
    followed('records after the first heartbeat', knows(AGENT), stream(one, heads.one, two, heads.two)),
    followed('a log whose first records were removed', knows(KEY), stream(three, four, heads.four)),
    followed('a log all of whose records were removed', knows(KEY), stream(heads.four)),
    followed('a stream that ends before its heartbeat', knows(AGENT, false), stream(one, two)),
    followed(
      'a stream that is cut inside an event',
      knows(TOKEN, false),
      stream(one, events.add('record 2, cut', event(AGENT).slice(0, -20))),
    ),
    followed('a resumption', knows(KEY), stream(one, two, heads.two), stream(three, four, heads.four)),
    followed(
      'a resumption after a stream without heartbeat',
      knows(KEY),
      stream(one, two),
      stream(three, four, heads.four),
    ),
    followed('a resumption with nothing new', knows(AGENT), stream(one, two, heads.two), stream(heads.two)),
    followed('the first read after a promotion', knows(DEPLOYMENT), stream(one, two, three, four, five, heads.five)),
    followed('a promotion with no record after it', knows(promoted), stream(one, two, three, four, heads.promoted)),
    respelled('line ends of CR LF', firstTwo.replaceAll('\n', '\r\n')),
    respelled('comments and unknown fields', firstTwo.replace('event: head', ': comment\nnote: x\nevent: head')),
    respelled('data on two lines', firstTwo.replaceAll(/^data: \{/gm, 'data: {\ndata: ')),
    respelled('no space after the colon', firstTwo.replaceAll(/^(id|event|data): /gm, '$1:')),
    followed('the server ends the stream', knows(TOKEN), stream(one, heads.one, error('UNAVAILABLE'))),
    followed(
      'a position that cannot be resumed from',
      broken,
      stream(one, heads.one),
      stream(error('RESYNC_REQUIRED')),
    ),
    followed('a gap', broken, stream(one, three)),
    followed('a gap at a resumption', broken, stream(one, heads.one), stream(three)),
    followed('a record twice', broken, stream(one, one)),
    followed('a fork: the previous hash is not that of the last record', broken, stream(one, forked)),
    followed('a record whose hash does not match its fields', broken, stream(one, forged)),
    followed('a head beyond the last record', broken, stream(one, heads.two)),
    followed('a head before the last record', broken, stream(one, two, heads.one)),
    followed(
      'a head with another hash',
      broken,
      stream(one, events.add('head 1 with another hash', head({ ...TOKEN, hash: AGENT.hash }))),
    ),
    followed(
      'a promotion after the watcher has read up to the head',
      broken,
      stream(one, two, three, four, heads.four, heads.promoted),
    ),
    bad('a kind of record that is not known', event({ ...TOKEN, kind: 'unknown' })),
    bad('a kind of a later version, with its right hash', event(future).replace('UNSPECIFIED', 'FUTURE')),
    bad('an event that is not known', 'event: note\ndata: {}\n\n'),
    bad('data that is not JSON', 'event: head\ndata: head\n\n'),
    bad('a member twice', head(START).replace('{', '{"position":null,')),
    bad('a head without its time', head(START).replace(/,"observed_at":"[^"]*"/, '')),
    bad('a sequence that is a string', head(START).replace('"sequence":0', '"sequence":"0"')),
    bad('a hash of 31 bytes', head(KEY).replace(/"hash":"[^"]*"/, `"hash":"${noHash}"`)),
    ...chains(events),
    ...spellings(events),
  ]
  return { events: events.texts, streams: list }
}

/** Makes streams in which the place of a record or a head in the log is right, or wrong. */
function chains(events: Events): object[] {
  const record = (each: RevocationRecord) => events.add(`record ${each.sequence}`, event(each))
  const headAt = (at: LogPosition) => events.add(`head ${at.sequence} of log epoch ${at.logEpoch}`, head(at))
  const unchained = append({ ...START, hash: AGENT.hash }, { operatorId: OPERATOR_ID, subject: JTI })
  const first = events.add('record 1 with a previous hash', event(unchained))
  const fork = append({ ...AGENT, hash: TOKEN.hash }, { kind: 'operator', operatorId: OPERATOR_ID, minimumEpoch: 3 })
  const forked = events.add('record 3 of a fork', event(fork))
  const promoted = { ...DEPLOYMENT, logEpoch: 3 }
  const [one, two, three, four, five] = LOG.map(record) as [string, string, string, string, string]
  return [
    followed('the first record of a log that was empty', knows(TOKEN), stream(headAt(START), one)),
    followed('a record that does not follow an empty log', broken, stream(headAt(START), two)),
    followed('a first record with a previous hash, after an empty log', broken, stream(headAt(START), first)),
    followed('a record after a head without records', knows(OPERATOR), stream(headAt(AGENT), three)),
    followed('a gap after a head without records', broken, stream(headAt(AGENT), four)),
    followed('a fork after a head without records', broken, stream(headAt(AGENT), forked)),
    followed('a fork at a resumption', broken, stream(headAt(AGENT)), stream(forked)),
    followed('a record after the head: still whole', knows(AGENT), stream(one, headAt(TOKEN), two)),
    followed(
      'a cut after a record that followed the head: still whole',
      knows(AGENT),
      stream(one, headAt(TOKEN), two),
      stream(),
    ),
    followed(
      'a record of a later log epoch after a head: the position keeps the log epoch of the head',
      knows({ ...DEPLOYMENT, logEpoch: 1 }),
      stream(headAt(KEY), five),
    ),
    followed('a head of the log epoch of that record', broken, stream(headAt(KEY), five, headAt(DEPLOYMENT))),
    followed(
      'a first head with a smaller log epoch than the last record',
      broken,
      stream(four, five, headAt({ ...DEPLOYMENT, logEpoch: 1 })),
    ),
    followed(
      'a first head with a larger log epoch than the last record',
      knows(promoted),
      stream(four, five, headAt(promoted)),
    ),
    followed('a second head with a smaller log epoch', broken, stream(headAt(promoted), headAt(DEPLOYMENT))),
  ]
}

/** Makes other texts of a record and its head, or of a head, which are read or refused. */
function spellings(events: Events): object[] {
  const whole = append(START, {
    operatorId: OPERATOR_ID,
    subject: JTI,
    recordedAt: NOW_MS,
    expiresAt: NOW_MS + HOUR_MS,
  })
  const last = withBothCharacters(whole)
  const good = event(last) + head(last, NOW_MS)
  const read = (name: string, text: string, at: LogPosition = last) =>
    followed(name, knows(at), stream(events.add(`a record and its head: ${name}`, text)))
  const bad = (name: string, text: string) => followed(name, broken, stream(events.add(name, text)))
  const atTime = (text: string) => head(last, NOW_MS).replace('.000Z', text)
  const base64 = Buffer.from(last.hash, 'hex').toString('base64')
  const base64url = Buffer.from(last.hash, 'hex').toString('base64url')
  const withHash = (text: string) => head(last).replace(base64, text)
  return [
    read('times with three decimals', good),
    read('times without decimals', good.replaceAll('.000Z', 'Z')),
    ...['.0Z', '.00Z', '.0000Z', '.Z', ',000Z', '.000z', '.000', '.000+00:00', ' Z'].map((text) =>
      bad(`a time that ends in 00${text}`, atTime(text)),
    ),
    bad('a time with a space in place of T', head(last).replace(/(\d)T(\d)/, '$1 $2')),
    bad('a time in Unix seconds', head(last).replace(/"observed_at":"[^"]*"/, `"observed_at":${NOW_S}`)),
    read('hashes in base64url', good.replaceAll(base64, base64url)),
    read('hashes in base64 without padding', good.replaceAll(base64, base64.replace('=', ''))),
    bad('a hash in both alphabets', withHash(base64.replace('/', '_'))),
    bad('a hash with unused bits set', withHash(`${base64url.slice(0, -1)}${nextCharacter(base64url)}`)),
    bad('a hash in hexadecimal', withHash(last.hash)),
    // A comment follows, because a reader may wait for the character after a last CR: it may be a LF.
    read('line ends of CR', `${good}: a comment\n`.replaceAll('\n', '\r')),
    // This stream begins without the retry line, because nothing may come before a byte order mark.
    followed('a byte order mark at the start of the stream', knows(last), [
      events.add('a byte order mark, a record and its head', `\uFEFF${good}`),
    ]),
    bad('a byte order mark in the data', head(last).replace('data: ', 'data: \uFEFF')),
    bad('a member with a leading zero', head(last).replace('"log_epoch":1', '"log_epoch":01')),
    bad('a sequence beyond 2^53', head(last).replace('"sequence":1', '"sequence":9007199254740993')),
    bad('a negative sequence', head(last).replace('"sequence":1', '"sequence":-1')),
    read('a sequence with a fraction of zero', good.replaceAll('"sequence":1', '"sequence":1.0')),
    bad('a sequence with a fraction', head(last).replace('"sequence":1', '"sequence":1.5')),
  ]
}

/** Returns the record with another jti, so that its hash in base64 has + and /, which differ between the alphabets. */
function withBothCharacters(record: RevocationRecord): RevocationRecord {
  for (let number = 0; ; number += 1) {
    const { hash: _, ...part } = record
    const other = append(START, { ...part, subject: `${JTI}-${number}` })
    const text = Buffer.from(other.hash, 'hex').toString('base64')
    if (text.includes('/') && text.includes('+')) return other
  }
}

/** Returns the character after the last one of a text. */
function nextCharacter(text: string): string {
  return String.fromCharCode(text.charCodeAt(text.length - 1) + 1)
}
