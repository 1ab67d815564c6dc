import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Caller, Rpc } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ReasonCode } from '../platform/errors/reasons.ts'
import { problemOf } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

/** Error codes of this port, in addition to the codes of Node. */
export const TOO_MANY_PIECES = 'TOO_MANY_PIECES'
export const CONNECT_METHOD = 'CONNECT_METHOD'

/** How long a caller has to read the refusal before its connection is closed, in milliseconds. */
const LINGER_MS = 1_000

/** Reasons for the error codes of Node's parser and timers. Every other code is INVALID_ARGUMENT. */
const UNPARSED: Readonly<Record<string, readonly [ReasonCode, detail?: string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['BODY_TOO_LARGE'],
  [TOO_MANY_PIECES]: ['BODY_TOO_LARGE'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT'],
  [CONNECT_METHOD]: ['INVALID_ARGUMENT', 'This server does not support the method CONNECT'],
}

/** Answers unparsable input on the bare socket, and closes the socket. */
export async function refuseUnparsed(
  rpc: Pick<Rpc, 'refuse'>,
  baseUrl: string,
  caller: Caller,
  code: string,
  socket: Socket,
): Promise<void> {
  const [reason, detail] = UNPARSED[code] ?? ['INVALID_ARGUMENT']
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(cut))
  const problem = problemOf(await rpc.refuse(new ApiError(reason, detail), caller), caller.requestId, undefined)
  const headers = {
    ...securityHeaders(baseUrl),
    ...problem.headers,
    'x-request-id': caller.requestId,
    'content-length': String(Buffer.byteLength(problem.body)),
    connection: 'close',
  }
  const head = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${head}\r\n${problem.body}`)
}
