/** For how long a caller may read nothing of a stream, in milliseconds. */
const MAX_STALL_MS = 30_000

/**
 * Yields the messages of a stream to a transport that asks for the next one when its caller has read the last. Calls
 * `cut`, which closes the connection, if that takes too long.
 */
export async function* unlessStalled<T>(
  messages: AsyncIterable<T>,
  maxStallMs: number | undefined,
  cut: () => void,
): AsyncGenerator<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    for await (const message of messages) {
      timer = setTimeout(cut, maxStallMs ?? MAX_STALL_MS)
      yield message
      clearTimeout(timer)
    }
  } finally {
    clearTimeout(timer)
  }
}
