import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

/**
 * Calls `ask` repeatedly until `isAwaited` accepts its answer, and returns the answer. After `deadlineMs`, throws
 * Error with the last answer in its message.
 */
export async function until<T>(
  ask: () => Promise<T>,
  isAwaited: (answer: T) => boolean,
  deadlineMs = 30_000,
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
