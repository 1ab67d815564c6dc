import type { LogPosition } from '@auth4agent/core/revocation/revocation-log'
import { errorEvent } from '../../../../services/jwks-gateway/rest/event-format.ts'
import { ApiError } from '../../../../services/platform/errors/api-error.ts'
import { chains } from './log-chains.ts'
import { AGENT, append, DEPLOYMENT, event, head, KEY, NOW_MS, START, TOKEN } from './log-records.ts'
import { spellings } from './log-spellings.ts'
import { broken, Events, followed, knows, stream } from './log-watcher.ts'
import { DID, OPERATOR_ID } from './parties.ts'

/** Returns the event that ends a stream. It leaves out the texts for people, because they may change. */
function errorOf(reason: 'RESYNC_REQUIRED' | 'UNAVAILABLE'): string {
  return errorEvent(new ApiError(reason), 'request-1').replaceAll(/"(?:title|detail|error)":"[^"]*",/g, '')
}

/** Makes the streams that a watcher reads, and the texts in them. */
export function streams(): { readonly events: object; readonly streams: object[] } {
  const events = new Events()
  const headAt = (at: LogPosition) => events.head(at)
  const promoted = { ...KEY, logEpoch: 2 }
  const [one, two, three, four, five] = events.log()
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
