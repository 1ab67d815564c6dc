import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { expectNode } from '@auth4agent/core/platform/node-version'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { Auth4AgentError } from './errors.ts'

/** Options of {@link createTransport}. */
export interface TransportOptions {
  /** The server's address: an origin, with or without a path. It must be https, except on loopback. */
  readonly server: string
  /** Used instead of the platform's fetch. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** The time to wait for one answer, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number | undefined
}

/** The option names of a transport. */
export const TRANSPORT_NAMES: Names<TransportOptions> = { server: true, fetch: true, timeoutMs: true }

/** One call of a server. */
export interface Call {
  readonly method: string
  /** The path exactly as it is sent, because an assertion names it. It starts with a slash. */
  readonly path: string
  /** The body: URLSearchParams is sent as a form, and any other value as JSON. */
  readonly body?: unknown
  /** The body as JSON text, sent as it is. Instead of `body`. */
  readonly json?: string | undefined
  readonly authorization?: string | undefined
  /** Further headers of the request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The DPoP proof for this call (RFC 9449). */
  readonly dpop?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Whether a successful answer has no body. The call then resolves with an empty object. */
  readonly isEmpty?: boolean | undefined
  /** Gets the headers of the answer, also if the answer is an error. */
  readonly onHeaders?: ((headers: Headers) => void) | undefined
}

/**
 * Calls a server and resolves with the parsed JSON of the answer: an object or an array. Rejects with
 * {@link Auth4AgentError}. `reason` is NETWORK_ERROR if no server answered.
 */
export type Transport = (call: Call) => Promise<unknown>

const TIMEOUT_MS = 10_000
const MAX_ANSWER_LENGTH = 4_194_304
const FORM = 'application/x-www-form-urlencoded'

/**
 * Creates a transport to one server, for calls that the SDK has no method for.
 *
 * Throws TypeError for an address that is neither https nor on loopback, and for unknown options. Throws Error if Node
 * is too old.
 *
 * @example
 *
 * ```ts
 * import { createTransport } from '@auth4agent/sdk'
 *
 * const call = createTransport({ server: 'https://auth.example.com' })
 * const document = await call({ method: 'GET', path: '/.well-known/auth4agent' })
 * ```
 */
export function createTransport(options: TransportOptions): Transport {
  expectNode('@auth4agent/sdk')
  refuseUnknownNames('option', options, TRANSPORT_NAMES)
  const { server, fetch = globalThis.fetch, timeoutMs = TIMEOUT_MS } = options
  const base = server.replace(/\/+$/, '')
  if (parseNormalUrl(base) === undefined || base.includes('?') || !isSecureUrl(base)) {
    throw new TypeError(`server must be an https address in its normal form, or http on loopback, not ${server}`)
  }
  return async (call) => {
    const { method, path, signal, isEmpty, onHeaders } = call
    const timeout = AbortSignal.timeout(timeoutMs)
    const body = textOf(call)
    const request: RequestInit = {
      method,
      headers: headersOf(call, body),
      // Refuses redirects, because they would lead to another address than the chosen one.
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body }),
    }
    const { response, text } = await send(fetch, base + path, request, signal)
    onHeaders?.(response.headers)
    if (response.ok && isEmpty === true && text === '') return {}
    const json = parseJson(text)
    if (!response.ok) throw toError(response, json)
    if (typeof json !== 'object' || json === null) {
      throw new Auth4AgentError(`${base} did not answer with JSON`, {
        reason: 'UNEXPECTED_ANSWER',
        status: response.status,
      })
    }
    return json
  }
}

function headersOf({ body, headers, authorization, dpop }: Call, text: string | undefined) {
  return {
    ...headers,
    accept: 'application/json',
    ...(text === undefined ? {} : { 'content-type': isForm(body) ? FORM : 'application/json' }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(dpop === undefined ? {} : { dpop }),
  }
}

function textOf({ body, json }: Call): string | undefined {
  if (json !== undefined || body === undefined) return json
  return isForm(body) ? body.toString() : JSON.stringify(body)
}

async function send(
  fetch: typeof globalThis.fetch,
  url: string,
  request: RequestInit,
  signal: AbortSignal | undefined,
) {
  try {
    const response = await fetch(url, request)
    return { response, text: await readText(response) }
  } catch (error) {
    signal?.throwIfAborted()
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new Auth4AgentError(
      `${new URL(url).origin} cannot be reached: ${String(cause)}`,
      { reason: 'NETWORK_ERROR', status: 0 },
      { cause: error },
    )
  }
}

/**
 * Reads an answer, but stops at the size limit, because an answer may never end. A platform without streams reads the
 * whole answer.
 */
async function readText(response: Response): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) return response.text()
  for (let text = ''; ; ) {
    const { done, value } = await reader.read()
    if (done) return text
    text += value
    if (text.length > MAX_ANSWER_LENGTH) {
      await reader.cancel()
      throw new RangeError('The answer must be at most 4 Mi characters')
    }
  }
}

function toError(response: Response, problem: unknown): Auth4AgentError {
  const { reason, detail, title, error_description } = isObject(problem) ? problem : {}
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  const message = [detail, title, error_description].find((text) => typeof text === 'string' && text !== '')
  return new Auth4AgentError(
    typeof message === 'string' ? message : `The server answered with status ${response.status}`,
    {
      reason: typeof reason === 'string' ? reason : 'UNEXPECTED_ANSWER',
      status: response.status,
      retryAfterS: Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined,
    },
  )
}

function isForm(body: unknown): body is URLSearchParams {
  return body instanceof URLSearchParams
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
