import type { IncomingMessage } from 'node:http'
import { ApiError } from '../platform/errors/api-error.ts'
import { EarlyRefusal } from './exchange.ts'

const NO_BODY = Buffer.alloc(0)

/**
 * Reads a body of at most `limit` bytes. Throws EarlyRefusal with BODY_TOO_LARGE, which closes the connection, since the rest of
 * the body would still come. It never settles where the caller goes before the end: whoever waits goes with the request.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const tooLarge = () => {
    request.removeAllListeners('data')
    reject(new EarlyRefusal(new ApiError('BODY_TOO_LARGE'), { connection: 'close' }))
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    tooLarge()
    return promise
  }
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) tooLarge()
  })
  request.on('end', () => resolve(chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? NO_BODY)))
  return promise
}
