import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'

/** What of the platform's `fetch` is used. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** What a server has answered that was not what was asked for. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  /** The HTTP status. */
  readonly status: number
  /** The problem's stable code (RFC 9457), where it has one. */
  readonly reason: string | undefined
  /** How long the server asks to wait, in milliseconds, a minute at most. */
  readonly retryAfterMs: number | undefined

  constructor(url: string, status: number, reason: string | undefined, retryAfterMs: number | undefined) {
    super(`${url} was answered with ${status}${reason === undefined ? '' : ` ${reason}`}`)
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** A JSON object that was fetched, and the headers it came with. */
export interface Fetched {
  readonly json: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

const TIMEOUT_MS = 5_000
const MAX_PROBLEM_BYTES = 16_384
/** A page that says "back in an hour" would let tokens be refused for an hour, however soon the issuer is back. */
const MAX_RETRY_AFTER_S = 60

/**
 * Fetches a JSON object of bounded size. Whoever answers under another address than the issuer's is not the issuer, so a redirection is
 * refused. Rejects with HttpError for a status other than 200, and with whatever `fetch` rejects with.
 */
export async function fetchJson(fetch: Fetch, url: string, maxBytes: number, init: RequestInit = {}): Promise<Fetched> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { redirect: 'error', ...init, signal })
  if (response.status !== 200) throw await toHttpError(response, url)
  const json = parseStrictJson(await readBounded(response, maxBytes))
  if (!json.ok) throw new TypeError(`${url} is no JSON object: ${json.why}`)
  return { json: json.value, headers: response.headers }
}

/** The error of an answer, whose body is read to its end or given up. */
export async function toHttpError(response: Response, url: string): Promise<HttpError> {
  const problem = await readBounded(response, MAX_PROBLEM_BYTES).then(parseStrictJson, () => undefined)
  const reason = problem?.ok ? problem.value['reason'] : undefined
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new HttpError(
    url,
    response.status,
    typeof reason === 'string' ? reason.slice(0, 64) : undefined,
    retryAfter >= 0 ? Math.min(retryAfter, MAX_RETRY_AFTER_S) * 1_000 : undefined,
  )
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw new RangeError(`${response.url} has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
