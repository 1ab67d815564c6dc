import type { DomainConfirmation } from '@auth4agent/sdk'
import type { Base } from './context.ts'
import { toFailure } from './failure.ts'
import { plain } from './text.ts'

/** Pauses between two questions: the first and the longest in milliseconds, and the factor by which a pause grows. */
const PAUSE = { first: 2000, growth: 1.5, most: 60_000 }

type Waiting = Pick<Base, 'now' | 'pause' | 'progress' | 'note' | 'signal'>

/** Result of one question: an answer or a temporary failure, and the time that the server asks to wait. */
type Outcome =
  | { readonly seen: DomainConfirmation; readonly why: string; readonly waitMs: number }
  | { readonly error: unknown; readonly why: string; readonly waitMs: number }

/**
 * Asks until the domain is proven or `timeoutMs` milliseconds have passed, and returns the last answer. Rejects at
 * once if a question fails permanently or the signal aborts. Rejects with a temporary failure only if the time is
 * over.
 */
export async function askAgain(
  ask: () => Promise<DomainConfirmation>,
  timeoutMs: number,
  { now, pause, progress, note, signal }: Waiting,
): Promise<DomainConfirmation> {
  const endMs = now() + timeoutMs
  for (let pauseMs = PAUSE.first; ; pauseMs = Math.min(pauseMs * PAUSE.growth, PAUSE.most)) {
    const outcome = await once(ask)
    signal.throwIfAborted()
    if ('seen' in outcome && outcome.seen.verified) return outcome.seen
    const leftMs = endMs - now()
    if (leftMs <= 0) {
      if ('error' in outcome) throw outcome.error
      return outcome.seen
    }
    if (pauseMs === PAUSE.first) note(`asking again until ${new Date(endMs).toISOString()}; press Ctrl-C to stop`)
    const waitMs = Math.min(Math.max(pauseMs, outcome.waitMs), leftMs)
    await progress(`${outcome.why}; asking again in ${Math.ceil(waitMs / 1000)} s`, pause(waitMs))
  }
}

async function once(ask: () => Promise<DomainConfirmation>): Promise<Outcome> {
  try {
    const seen = await ask()
    return { seen, why: plain(seen.message), waitMs: 0 }
  } catch (error) {
    const { exit, message } = toFailure(error, undefined)
    if (exit !== 'unreachable') throw error
    const retryAfterS = error instanceof Error && 'retryAfterS' in error ? error.retryAfterS : undefined
    return { error, why: message, waitMs: typeof retryAfterS === 'number' ? retryAfterS * 1000 : 0 }
  }
}
