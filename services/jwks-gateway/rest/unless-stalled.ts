/** The default time in milliseconds after which a stream is cut if its caller reads nothing. */
const MAX_STALL_MS = 30_000

/**
 * Yields the messages of a stream. The transport must ask for the next message only when its caller has read the last
 * one. If that takes longer than `maxStallMs`, this function calls `cut`, which must close the connection.
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
