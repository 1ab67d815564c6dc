import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher, Pool, request } from 'undici'
import { OutboundError, toOutboundError } from './outbound-error.ts'
import { isLocalName } from './parse-target.ts'
import { checkHead } from './read-answer.ts'
import type { TimeLimit } from './time-limit.ts'

/** The headers that a caller may set. `Host` is not among them: it would also choose the name in the certificate. */
export interface OutboundHeaders {
  readonly authorization?: string
  readonly 'last-event-id'?: string
  readonly traceparent?: string
}

/** The parameters of a form. */
export type Form = Readonly<Record<string, string>>

/** The body of a POST. */
export interface Content {
  readonly type: string
  readonly text: string
}

/** One request as it is sent. It is a POST if it has content, and otherwise a GET. */
export interface Call {
  readonly target: URL
  readonly accept: readonly string[]
  readonly alsoStatus?: readonly number[] | undefined
  readonly headers: OutboundHeaders | undefined
  readonly content?: Content | undefined
}

const MAX_HEADER_BYTES = 16 * 1024
const CONNECT_MS = 10_000
/** Requests over one connection. After them DNS is asked again, and its answer is vetted again. */
const MAX_REUSES = 100

/**
 * Creates the agent that holds all connections. Each connection resolves its host with `lookup`. With test domains, a
 * local name may have any certificate: it means this machine, and may be plain http too.
 */
export function createAgent(lookup: LookupFunction, testDomains: boolean): Agent {
  // Both defaults of Node can be weakened from outside the program: by command line and by environment.
  const connect = { lookup, minVersion: 'TLSv1.2', rejectUnauthorized: true } as const
  const options = {
    connect,
    connectTimeout: CONNECT_MS,
    // The limit of each request covers headers and body. undici's own timers are too coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Otherwise Node asks `lookup` for a single address.
    autoSelectFamily: true,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxRequestsPerClient: MAX_REUSES,
  }
  const local = { ...options, connect: { ...connect, rejectUnauthorized: false } }
  const isLocal = (origin: string | URL) => testDomains && isLocalName(new URL(origin).hostname)
  return new Agent({ ...options, factory: (origin) => new Pool(origin, isLocal(origin) ? local : options) })
}

/** Returns a form as content. */
export function formContent(form: Form): Content {
  return { type: 'application/x-www-form-urlencoded', text: new URLSearchParams(form).toString() }
}

/** Sends a request and checks the head of the answer. The caller must read the body to its end, or destroy it. */
export async function send(agent: Agent, call: Call, limit: TimeLimit) {
  const response = await sendUnchecked(agent, call, limit)
  try {
    return { response, mediaType: checkHead(response, call, call.target.origin) }
  } catch (error) {
    discard(response)
    throw error
  }
}

/** Sends a request. The caller must check the head of the answer, and read the body to its end or discard it. */
export function sendUnchecked(agent: Agent, { target, accept, headers, content }: Call, { signal }: TimeLimit) {
  return request(target, {
    dispatcher: agent,
    signal,
    headers: {
      'user-agent': 'auth4agent',
      accept: accept.join(', '),
      'accept-encoding': 'identity',
      ...(content !== undefined && { 'content-type': content.type }),
      ...headers,
    },
    ...(content !== undefined && { method: 'POST', body: content.text }),
  })
}

/** Closes the connection of an answer whose body nobody reads. */
export function discard({ body }: Dispatcher.ResponseData): void {
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
