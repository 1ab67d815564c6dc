import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher, request } from 'undici'
import { OutboundError, toOutboundError } from './outbound-error.ts'
import { checkHead } from './read-answer.ts'
import type { TimeLimit } from './time-limit.ts'

/** The headers that a caller may set. `Host` is not among them: it would also choose the name in the certificate. */
export interface OutboundHeaders {
  readonly authorization?: string
  readonly 'last-event-id'?: string
}

/** The parameters of a form. */
export type Form = Readonly<Record<string, string>>

/** One request as it is sent. It is a POST if it has a form, and otherwise a GET. */
interface Call {
  readonly target: URL
  readonly accept: readonly string[]
  readonly headers: OutboundHeaders | undefined
  readonly form?: Form | undefined
}

const MAX_HEADER_BYTES = 16 * 1024
const CONNECT_MS = 10_000
/** Requests over one connection. After them DNS is asked again, and its answer is vetted again. */
const MAX_REUSES = 100

/** Creates the agent that holds all connections. Each connection resolves its host with `lookup`. */
export function createAgent(lookup: LookupFunction): Agent {
  return new Agent({
    // Both defaults of Node can be weakened from outside the program: by command line and by environment.
    connect: { lookup, minVersion: 'TLSv1.2', rejectUnauthorized: true },
    connectTimeout: CONNECT_MS,
    // The limit of each request covers headers and body. undici's own timers are too coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Otherwise Node asks `lookup` for a single address.
    autoSelectFamily: true,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxRequestsPerClient: MAX_REUSES,
  })
}

/** Sends a request and checks the head of the answer. The caller must read the body to its end, or destroy it. */
export async function send(agent: Agent, { target, accept, headers, form }: Call, { signal }: TimeLimit) {
  const response = await request(target, {
    dispatcher: agent,
    signal,
    headers: {
      'user-agent': 'auth4agent',
      accept: accept.join(', '),
      'accept-encoding': 'identity',
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form).toString() }),
  })
  try {
    return { response, mediaType: checkHead(response, accept, target.origin) }
  } catch (error) {
    discard(response)
    throw error
  }
}

/** Closes the connection of an answer whose body nobody reads. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => undefined).destroy()
}

/** Runs a part of a request. Everything that it throws becomes an OutboundError. */
export async function explained<T>(limit: TimeLimit, origin: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explain(error, limit, origin)
  }
}

/** Returns the OutboundError for an error of a request. An aborted request fails in many ways, for one reason. */
export function explain(error: unknown, { signal }: TimeLimit, origin: string): OutboundError {
  if (!signal.aborted) return toOutboundError(error, origin)
  const { reason } = signal
  return reason instanceof OutboundError ? reason : new OutboundError('CLOSED', `The caller left ${origin}`)
}
