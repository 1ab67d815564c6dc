import { applyKeyEvent } from './apply-key-event.ts'
import { parseKeyEvent } from './key-event.ts'
import type { KeyState } from './key-state.ts'
import type { KeyEventRefusal } from './refusal.ts'

/** The state after the last event of a log; or the first event that is wrong, by its place from 0, and why. */
export type Replayed = { readonly ok: true; readonly state: KeyState } | (KeyEventRefusal & { readonly at: number })

/**
 * Replays a log of key events offline: verifies every signature, proof and commitment from the inception on. It trusts
 * neither the server nor the transport that delivered the log. What it cannot see: events that were left out at the
 * end, and whether a recovery waited for its delay.
 *
 * @param events the events as text, oldest first
 * @param did the DID that the log must end with; leave it out to learn it from the log
 * @example
 * ```ts
 * import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
 *
 * const history = replayKeyEvents(events, did)
 * if (!history.ok) throw new TypeError(`Event ${history.at} is wrong: ${history.demand}`)
 * console.log(history.state.kid, history.state.previousDids)
 * ```
 */
export function replayKeyEvents(events: readonly string[], did?: string): Replayed {
  let state: KeyState | undefined
  for (const [at, text] of events.entries()) {
    const event = parseKeyEvent(text)
    const applied = event.ok ? applyKeyEvent(state, event) : event
    if (!applied.ok) return { ...applied, at }
    state = applied.state
  }
  if (state === undefined) return { ok: false, why: 'conflict', demand: 'the log must not be empty', at: 0 }
  if (did !== undefined && state.did !== did)
    return { ok: false, why: 'conflict', demand: `the log must end with the DID ${did}`, at: events.length - 1 }
  return { ok: true, state }
}
