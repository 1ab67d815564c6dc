import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

/**
 * How long a test waits for a state, in milliseconds. Each state is usually reached within a second, but a busy
 * machine may need a hundred times as long.
 */
export const PATIENCE_MS = 300_000

/**
 * Calls `ask` repeatedly until `isAwaited` accepts its answer, and returns the answer. After `deadlineMs`, throws
 * Error with the last answer in its message.
 */
export async function until<T>(
  ask: () => Promise<T>,
  isAwaited: (answer: T) => boolean,
  deadlineMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (isAwaited(answer)) return answer
    if (performance.now() > deadline)
      throw new Error(`Not reached within ${deadlineMs} ms. The last answer was: ${JSON.stringify(answer)}`)
    await delay(POLL_MS)
  }
}
