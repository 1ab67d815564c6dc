import type { ServerResponse } from 'node:http'

/** The default time in milliseconds in which a caller must read something, if anything waits for it. */
const MAX_STALL_MS = 30_000

/** The part of a response that shows whether its caller reads. */
type Watched = Pick<ServerResponse, 'writableLength' | 'destroy'> & {
  readonly socket: { readonly bytesWritten: number } | null
}

/**
 * Yields the messages of a stream. Destroys the response if bytes wait for its caller and none goes out within
 * `maxStallMs`, at most two times this later. Further messages do not put that off: small ones would fill the buffers
 * only after minutes.
 */
export async function* unlessStalled<T>(
  messages: AsyncIterable<T>,
  maxStallMs: number | undefined,
  response: Watched,
): AsyncGenerator<T> {
  let before: number | undefined
  const timer = setInterval(() => {
    // `bytesWritten` includes what still waits.
    const sent = (response.socket?.bytesWritten ?? 0) - response.writableLength
    if (response.writableLength > 0 && sent === before) response.destroy()
    before = sent
  }, maxStallMs ?? MAX_STALL_MS)
  try {
    yield* messages
  } finally {
    clearInterval(timer)
  }
}
