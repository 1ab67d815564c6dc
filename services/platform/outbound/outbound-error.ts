/** Why a request to the outside has failed. A stable name, for callers and for the metrics. */
export type OutboundWhy =
  | 'URL_REFUSED'
  | 'ADDRESS_REFUSED'
  | 'UNREACHABLE'
  | 'TIMEOUT'
  | 'STATUS'
  | 'MEDIA_TYPE'
  | 'ENCODING'
  | 'TOO_LARGE'
  | 'BUSY'
  | 'CIRCUIT_OPEN'
  | 'CLOSED'

/**
 * Thrown when a request to the outside fails. The message is for the log, because it can name an address of the own
 * network. Tell callers only `why`. It never contains a part of the answer.
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly why: OutboundWhy
  /** The status of an answer that is refused with STATUS. */
  readonly status: number | undefined

  constructor(why: OutboundWhy, message: string, status?: number) {
    super(message)
    this.why = why
    this.status = status
  }
}

/** What undici and its sockets report, for failures that are not UNREACHABLE. */
const BY_CODE: Readonly<Record<string, readonly [OutboundWhy, string]>> = {
  UND_ERR_CONNECT_TIMEOUT: ['TIMEOUT', 'did not accept a connection in time'],
  UND_ERR_HEADERS_OVERFLOW: ['TOO_LARGE', 'answered with more headers than the server reads'],
}

/**
 * Converts whatever a request has thrown. Keeps only the code of a foreign error: an error of the HTTP parser holds
 * the bytes that it could not parse.
 */
export function toOutboundError(error: unknown, origin: string): OutboundError {
  if (error instanceof OutboundError) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
  const [why, what] = BY_CODE[code] ?? ['UNREACHABLE', `cannot be reached: ${code}`]
  return new OutboundError(why, `${origin} ${what}`)
}
