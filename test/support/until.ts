import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

/**
 * Asks again and again until the answer is the one awaited, and returns it. Fails with the last answer once `deadlineMs` have
 * passed.
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
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms; at last: ${JSON.stringify(answer)}`)
    await delay(POLL_MS)
  }
}
