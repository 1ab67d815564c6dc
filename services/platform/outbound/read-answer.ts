import type { Dispatcher } from 'undici'
import { OutboundError } from './outbound-error.ts'

type Headers = Dispatcher.ResponseData['headers']

/** An answer that fulfils every rule. */
export interface OutboundAnswer {
  readonly mediaType: string
  readonly body: Uint8Array
  /**
   * How long the answer stays fresh, in seconds: `max-age` less `Age` (RFC 9111 section 4.2). 0 for `no-store` and
   * `no-cache`; undefined if the answer does not say.
   */
  readonly maxAgeS: number | undefined
  /** When the answer was made, by its header Date, in Unix milliseconds. Undefined without a valid one. */
  readonly date: number | undefined
}

/** What an answer may be. */
interface Wanted {
  readonly accept: readonly string[]
  readonly alsoStatus?: readonly number[] | undefined
}

/**
 * Checks status, encoding and media type of an answer, and returns the media type. Throws OutboundError. Accepts no
 * encoding, because a few compressed bytes can become gigabytes.
 */
export function checkHead(
  { statusCode, headers }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>,
  { accept, alsoStatus = [] }: Wanted,
  origin: string,
): string {
  if (statusCode !== 200 && !alsoStatus.includes(statusCode))
    throw new OutboundError('STATUS', `${origin} answered with status ${statusCode}, not 200`, statusCode)
  return checkType(headers, accept, origin)
}

/** Checks encoding and media type of an answer, and returns the media type. Throws OutboundError. */
export function checkType(headers: Headers, accept: readonly string[], origin: string): string {
  if (headers['content-encoding'] !== undefined)
    throw new OutboundError('ENCODING', `${origin} answered with an encoding that was not asked for`)
  const mediaType = mediaTypeOf(headers)
  if (mediaType === undefined || !accept.includes(mediaType))
    throw new OutboundError('MEDIA_TYPE', `${origin} must answer with ${accept.join(' or ')}`)
  return mediaType
}

/** Reads a body to its end. Throws OutboundError with TOO_LARGE as soon as it exceeds the limit. */
export async function readBody(body: AsyncIterable<Uint8Array>, maxBytes: number, origin: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > maxBytes) throw new OutboundError('TOO_LARGE', `${origin} answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Reads how long an answer stays fresh, and when it was made. */
export function readTimes(headers: Headers): Pick<OutboundAnswer, 'maxAgeS' | 'date'> {
  return { maxAgeS: readMaxAge(headers), date: readDate(textOf(headers['date'])) }
}

function readMaxAge(headers: Headers): number | undefined {
  const directives = textOf(headers['cache-control']).toLowerCase().split(/ *, */)
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0
  const ages = directives.flatMap((directive) => /^max-age=(\d{1,10})$/.exec(directive)?.[1] ?? [])
  if (ages.length === 0) return undefined
  const age = /^\d{1,10}$/.exec(textOf(headers['age']))?.[0] ?? '0'
  return Math.max(0, Math.min(...ages.map(Number)) - Number(age))
}

function readDate(text: string): number | undefined {
  const ms = Date.parse(text)
  // The only form that servers may send (RFC 9110 section 5.6.7). Date.parse accepts many more.
  return Number.isFinite(ms) && new Date(ms).toUTCString() === text ? ms : undefined
}

function mediaTypeOf(headers: Headers): string | undefined {
  const given = headers['content-type']
  return typeof given === 'string' ? given.split(';')[0]?.trim().toLowerCase() : undefined
}

function textOf(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(',') : (header ?? '')
}
