import { applyKeyEvent } from './apply-key-event.ts'
import { parseKeyEvent } from './key-event.ts'
import type { KeyState } from './key-state.ts'
import { type KeyEventRefusal, refuse } from './refusal.ts'

/** The state after the last event of a log; or the first event that is wrong, by its place from 0, and why. */
export type Replayed = { readonly ok: true; readonly state: KeyState } | (KeyEventRefusal & { readonly at: number })

/**
 * Replays a log of key events offline: verifies every signature, proof and commitment from the inception on. It trusts
 * neither the server nor the transport that delivered the log. What it cannot see: events that were left out at the
 * end, another log that began with the same first key, and whether a recovery waited for its delay (docs/identity.md).
 *
 * @param events the events as text, oldest first
 * @param did the DID that the log must end with; leave it out to learn it from the log
 * @param seen the end of the log as the caller saw it before; a log that does not continue it is refused
 * @example
 * ```ts
 * import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
 *
 * const history = replayKeyEvents(events, did)
 * if (!history.ok) throw new TypeError(`Event ${history.at} is wrong: ${history.demand}`)
 * console.log(history.state.kid, history.state.previousDids)
 * ```
 */
export function replayKeyEvents(
  events: readonly string[],
  did?: string,
  seen?: Pick<KeyState, 'seq' | 'head'>,
): Replayed {
  let state: KeyState | undefined
  for (const [at, text] of events.entries()) {
    const event = parseKeyEvent(text)
    const applied = event.ok ? applyKeyEvent(state, event) : event
    if (!applied.ok) return { ...applied, at }
    state = applied.state
    if (state.seq === seen?.seq && state.head !== seen.head)
      return { ...refuse('conflict', `the event must have the SHA-256 ${seen.head}, as it was seen before`), at }
  }
  const least = seen === undefined ? 1 : seen.seq + 1
  if (state === undefined || events.length < least)
    return { ...refuse('conflict', `the log must have at least ${least} events`), at: events.length }
  if (did !== undefined && state.did !== did)
    return { ...refuse('conflict', `the log must end with the DID ${did}`), at: events.length - 1 }
  return { ok: true, state }
}
