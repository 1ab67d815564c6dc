import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../calls/rpc.ts'
import type { ApiError } from '../platform/errors/api-error.ts'

/** One request and everything that a route needs to answer it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly caller: Caller
  /** The path as sent, without query. */
  readonly path: string
  /** The query as sent, without its question mark. */
  readonly query: string
  /** The headers of the answer, even if it is an error. Names are in lower case. A route may add headers. */
  readonly headers: Record<string, string>
}

/** The answer of a route. Its headers override the headers of the exchange. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Values of the header Set-Cookie, each of which is sent as a header of its own. */
  readonly cookies?: readonly string[]
  readonly body: string
}

/** The values of the `{name}` segments of a path, decoded. */
export type Params = Readonly<Record<string, string>>

/** Answers the requests of one path and method. */
export interface Route {
  /** A GET route also answers HEAD. */
  readonly verb: string
  /** Literal segments and `{name}` segments: `/v1/agent/{did}`. */
  readonly path: string
  /** Whether scripts of any origin may read the answer. If true, preflight requests are answered. */
  readonly isCrossOrigin?: boolean
  /** Whether the route itself reads headers that are sent more than once. All other routes refuse such a request. */
  readonly readsRepeatedHeaders?: boolean
  /** Answers the request. Returns undefined if it has written the response itself. Throws ApiError. */
  handle(exchange: Exchange, params: Params): Promise<Answer | undefined>
}

/** An error that the pipeline has not limited, logged and counted yet. */
export class EarlyRefusal extends Error {
  override readonly name = 'EarlyRefusal'
  readonly error: ApiError
  /** Additional headers of the answer. */
  readonly headers: Readonly<Record<string, string>>

  constructor(error: ApiError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message)
    this.error = error
    this.headers = headers
  }
}

/**
 * Splits a request target into path and query, both as sent. Removes the origin of an absolute target (RFC 9112
 * section 3.2.2).
 */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*\/?/i, '/')
  const mark = local.indexOf('?')
  return mark < 0 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) }
}
