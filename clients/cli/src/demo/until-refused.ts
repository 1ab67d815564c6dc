import type { Scene } from './parties.ts'

/** The answer of an API. */
export interface Answered {
  readonly status: number
  readonly body: string
}

/** Longest time until the API must refuse a revoked token, and the pause between two calls; in milliseconds. */
const HEARD_WITHIN_MS = 10_000
const ASK_AGAIN_MS = 2

/** Calls an API until it answers 401. Resolves with the time until then, in whole milliseconds, and the last body. */
export async function untilRefused(call: () => Promise<Answered>, pause: Scene['pause']) {
  const since = performance.now()
  for (;;) {
    const { status, body } = await call()
    const ms = Math.round(performance.now() - since)
    if (status === 401) return { ms, body }
    if (ms > HEARD_WITHIN_MS) throw unexpected('the API', status, body)
    await pause(ASK_AGAIN_MS)
  }
}

/** Reads an answer. */
export async function answerOf(response: Response): Promise<Answered> {
  return { status: response.status, body: await response.text() }
}

/** Makes the error for an answer that should never come. */
export function unexpected(who: string, status: number, body: string): Error {
  return new Error(`Unexpected answer of ${who}: ${status} ${body}`)
}
