import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'

/** The part of the platform's `fetch` that the verifier uses. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** The error for an answer whose status is not 200. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  /** The HTTP status. */
  readonly status: number
  /** The stable code in the problem document (RFC 9457), if there is one. */
  readonly reason: string | undefined
  /** What was wrong, in the words of the server, if it says so. */
  readonly detail: string | undefined
  /** The milliseconds that the server asks to wait, but at most a minute. */
  readonly retryAfterMs: number | undefined

  constructor(
    url: string,
    status: number,
    { reason, detail, retryAfterMs }: Pick<HttpError, 'reason' | 'detail' | 'retryAfterMs'>,
  ) {
    const why = [reason === undefined ? '' : ` ${reason}`, detail === undefined ? '' : `: ${detail}`].join('')
    super(`${url} answered with ${status}${why}`)
    this.status = status
    this.reason = reason
    this.detail = detail
    this.retryAfterMs = retryAfterMs
  }
}

/** An answer of bounded size. */
export interface Answer {
  readonly body: Uint8Array
  readonly headers: Headers
}

/** A JSON object and the headers of its answer. */
export interface Fetched {
  readonly json: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

const TIMEOUT_MS = 5_000
const MAX_PROBLEM_BYTES = 16_384
const [MAX_REASON, MAX_DETAIL] = [64, 300] as const
/**
 * The longest Retry-After that the verifier obeys. If it waited for an hour, it would refuse tokens for an hour, even
 * if the issuer is back sooner.
 */
const MAX_RETRY_AFTER_S = 60

/**
 * Fetches an answer of bounded size. Refuses redirects, because only the issuer's own address is trusted. Rejects with
 * HttpError for a status other than 200, and with the error of `fetch`.
 */
export async function fetchBytes(fetch: Fetch, url: string, maxBytes: number, init: RequestInit = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { redirect: 'error', ...init, signal })
  if (response.status !== 200) throw await toHttpError(response, url)
  return { body: await readBounded(response, maxBytes), headers: response.headers }
}

/** Fetches a JSON object by the rules of {@link fetchBytes}. */
export async function fetchJson(fetch: Fetch, url: string, maxBytes: number, init: RequestInit = {}): Promise<Fetched> {
  const { body, headers } = await fetchBytes(fetch, url, maxBytes, init)
  const json = parseStrictJson(body)
  if (!json.ok) throw new TypeError(`${url} must answer with a JSON object: ${json.why}`)
  return { json: json.value, headers }
}

/** Makes the error for an answer. Reads the body to its end, but at most 16 KiB. */
export async function toHttpError(response: Response, url: string): Promise<HttpError> {
  const problem = await readBounded(response, MAX_PROBLEM_BYTES).then(parseStrictJson, () => undefined)
  const { reason, detail } = problem?.ok ? problem.value : {}
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new HttpError(url, response.status, {
    reason: textOf(reason, MAX_REASON),
    detail: textOf(detail, MAX_DETAIL),
    retryAfterMs: retryAfter >= 0 ? Math.min(retryAfter, MAX_RETRY_AFTER_S) * 1_000 : undefined,
  })
}

/** Returns a text for a message, bounded and in one line, because a stranger may have written it. */
function textOf(value: unknown, length: number): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  return value.slice(0, length).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw new RangeError(`${response.url} must answer with at most ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
