import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Bound } from '../platform/limits/bound.ts'
import { markDropped } from './drop-rest.ts'
import { EarlyRefusal } from './exchange.ts'

const NO_BODY = Buffer.alloc(0)

/**
 * Reads a body of at most `limit` bytes. If the caller disconnects before the end, the promise never settles, and the
 * waiting code is garbage-collected with the request.
 * @throws EarlyRefusal with BODY_TOO_LARGE. Its answer closes the connection, because the rest of the body would still
 * arrive
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  const keep = (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) tooLarge()
  }
  const tooLarge = () => {
    markDropped(request)
    request.off('data', keep)
    chunks.length = 0
    reject(new EarlyRefusal(new ApiError('BODY_TOO_LARGE'), { connection: 'close' }))
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    tooLarge()
    return promise
  }
  request.on('data', keep)
  request.on('end', () => resolve(chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? NO_BODY)))
  return promise
}

/**
 * Takes a place for a request until its answer ends.
 * @throws EarlyRefusal with OVERLOADED. Its answer closes the connection, because the body would still arrive
 */
export function takePlace(places: Bound, key: string, response: ServerResponse): void {
  const release = places(key)
  if (release === undefined) {
    throw new EarlyRefusal(new ApiError('OVERLOADED', undefined, { retryAfter: 1 }), { connection: 'close' })
  }
  response.once('close', release)
}
