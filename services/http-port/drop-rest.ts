import type { IncomingMessage } from 'node:http'

/** How much of a body is still read after its refusal, in bytes and milliseconds. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_MS = 5_000

const dropped = new WeakSet<IncomingMessage>()

/** Tells whether the rest of a body is dropped, so its pieces take no memory. */
export function isDropped(request: IncomingMessage): boolean {
  return dropped.has(request)
}

/** Marks a request whose body is refused: its further pieces are not counted. */
export function markDropped(request: IncomingMessage): void {
  dropped.add(request)
}

/**
 * Reads the rest of a refused body and drops it. Resolves at its end, when the caller disconnects, or at the limits.
 * A connection that is closed before resets, and then the caller may lose an answer that it has not read yet
 * (RFC 9112 section 9.6).
 */
export async function dropRest(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const limit = setTimeout(resolve, MAX_MS)
  let size = 0
  markDropped(request)
  // Who has begun to read with this event would keep the data from flowing.
  request.removeAllListeners('readable').on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > MAX_BYTES) resolve()
  })
  request.once('end', resolve).once('close', resolve).resume()
  await promise
  clearTimeout(limit)
}
