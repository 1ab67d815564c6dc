import { readEvents } from '@auth4agent/core/revocation/event-stream'
import { FeedError, type RevocationFeed } from '@auth4agent/core/revocation/feed'
import { eventId, meaningOf, readFeedEvent } from '@auth4agent/core/revocation/feed-events'
import { type Fetch, toHttpError } from './http.ts'

/** Options of {@link sseFeed}. */
export interface SseFeedOptions {
  readonly fetch: Fetch
  /** Resolves with the address of the feed. */
  readonly locate: () => Promise<string>
  /** Makes the Authorization header for one connection to an address. */
  readonly authorize: (url: string) => Promise<string>
}

/**
 * Returns a feed of the revocation log as server-sent events, `GET /v1/revocations`. `createVerifier` makes this feed
 * by itself from `operatorId` and `key`, or from `authorization`.
 *
 * @example
 *
 * ```ts
 * import { createVerifier, sseFeed } from '@auth4agent/verifier'
 *
 * const revocations = sseFeed({
 *   fetch,
 *   locate: async () => 'https://auth.example.com/v1/revocations',
 *   authorize: async () => `Bearer ${await operator.assert('GET /v1/revocations')}`,
 * })
 * const verifier = createVerifier({ issuer, audience, operators, revocations })
 * ```
 */
export function sseFeed({ fetch, locate, authorize }: SseFeedOptions): RevocationFeed {
  return {
    async *open(from, signal, untilHead = false) {
      const url = withQuery(await locate(), untilHead)
      const headers = {
        accept: 'text/event-stream',
        authorization: await authorize(url),
        ...(from !== undefined && { 'last-event-id': eventId(from) }),
      }
      const response = await fetch(url, { headers, redirect: 'error', signal })
      if (response.status !== 200) {
        const problem = await toHttpError(response, url)
        const { message, retryAfterMs } = problem
        throw new FeedError(message, { cause: problem, ...meaningOf(problem.reason), retryAfterMs })
      }
      if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true || response.body === null) {
        throw new FeedError(`${url} is not an event stream`)
      }
      for await (const event of readEvents(response.body)) yield readFeedEvent(event)
    },
  }
}

function withQuery(address: string, untilHead: boolean): string {
  if (!untilHead) return address
  const url = new URL(address)
  url.searchParams.set('until_head', 'true')
  return url.href
}
