import { readEvents } from '@auth4agent/core/revocation/event-stream'
import { FeedError, type FeedEvent, type RevocationFeed } from '@auth4agent/core/revocation/feed'
import { eventId, readFeedEvent } from '@auth4agent/core/revocation/feed-events'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import { OutboundError } from '../../../platform/outbound/outbound-error.ts'
import type { KnownIssuer } from '../known-issuer.ts'
import type { Authorize } from '../own-secrets.ts'

/** Dependencies of logFeed. */
export interface LogFeedDeps {
  readonly outbound: Pick<Outbound, 'stream'>
  readonly authorize: Authorize
}

/** The longest silence of a stream, in milliseconds. A server sends a heartbeat each second. */
const IDLE_MS = 5_000
const RESYNC_REQUIRED = 410
const TOO_MANY = 429

/** Returns the feed of the revocation log of another deployment. `onEvent` sees each event before the reader. */
export function logFeed(
  { outbound, authorize }: LogFeedDeps,
  issuer: KnownIssuer,
  onEvent: (event: FeedEvent) => void,
): RevocationFeed {
  return {
    async *open(from, signal, untilHead = false) {
      const url = `${issuer.issuer}/v1/revocations${untilHead ? '?until_head=true' : ''}`
      const headers = {
        authorization: await authorize(issuer, url),
        ...(from !== undefined && { 'last-event-id': eventId(from) }),
      }
      try {
        for await (const event of readEvents(outbound.stream(url, { idleMs: IDLE_MS, headers, signal }))) {
          const read = readFeedEvent(event)
          onEvent(read)
          yield read
        }
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error
        const { status, message } = error
        const why = { mustBeginAgain: status === RESYNC_REQUIRED, isFull: status === TOO_MANY }
        throw new FeedError(message, { cause: error, ...why })
      }
    },
  }
}
