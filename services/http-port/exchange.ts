import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../chain/rpc.ts'
import type { ApiError } from '../platform/errors/api-error.ts'

/** One request with all that a route needs to answer it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly caller: Caller
  /** The path as sent, without query. */
  readonly path: string
  /** The query as sent, without its question mark. */
  readonly query: string
  /** Headers of the answer, refusals included; names in lower case. A route may add to them. */
  readonly headers: Record<string, string>
}

/** What a route answers. Its headers take the place of those that every answer has. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** The values of the `{name}` segments of a path, decoded. */
export type Params = Readonly<Record<string, string>>

/** Answers the requests of one path and method. */
export interface Route {
  /** A route of GET also answers HEAD. */
  readonly verb: string
  /** Literal segments and `{name}` segments: `/v1/agent/{did}`. */
  readonly path: string
  /** Whether scripts of any origin may read it; preflights are answered then. */
  readonly isCrossOrigin?: boolean
  /** Throws ApiError. Answers undefined where it has written the response itself. */
  handle(exchange: Exchange, params: Params): Promise<Answer | undefined>
}

/** A refusal that the chain has not limited, logged and counted yet. */
export class EarlyRefusal extends Error {
  override readonly name = 'EarlyRefusal'
  readonly error: ApiError
  /** Headers that the refusal has beside the usual ones. */
  readonly headers: Readonly<Record<string, string>>

  constructor(error: ApiError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message)
    this.error = error
    this.headers = headers
  }
}

/** Splits a request target into path and query, both as sent. An absolute target loses its origin (RFC 9112 section 3.2.2). */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*\/?/i, '/')
  const hash = local.indexOf('#')
  const bare = hash < 0 ? local : local.slice(0, hash)
  const mark = bare.indexOf('?')
  return mark < 0 ? { path: bare, query: '' } : { path: bare.slice(0, mark), query: bare.slice(mark + 1) }
}
