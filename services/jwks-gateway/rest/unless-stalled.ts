/** How long a caller may read nothing of a stream, in milliseconds. */
const MAX_STALL_MS = 30_000

/**
 * The same messages for a transport that asks for the next when its caller has read the one before. `cut` is called when that
 * takes too long, and ends the connection.
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
