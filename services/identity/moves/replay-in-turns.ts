import { setImmediate } from 'node:timers/promises'
import { type BundleRefusal, refuseEvent } from '@auth4agent/core/key-events/agent-bundle'
import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import { type KeyEvent, parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'

/** A log that was replayed: its events and the state after the last one. */
export interface ReplayedLog {
  readonly ok: true
  readonly events: readonly KeyEvent[]
  readonly state: KeyState
}

/** An event takes a few milliseconds, most of them for the first look at a new key. */
const EVENTS_AT_ONCE = 4

/** Replays a log as `replayKeyEvents` does, but lets other calls run in between: a long log takes half a second. */
export async function replayInTurns(texts: readonly string[]): Promise<ReplayedLog | BundleRefusal> {
  const events: KeyEvent[] = []
  let state: KeyState | undefined
  for (const [at, text] of texts.entries()) {
    if (at % EVENTS_AT_ONCE === 0) await setImmediate()
    const event = parseKeyEvent(text)
    if (!event.ok) return refuseEvent(at, event)
    const applied = applyKeyEvent(state, event)
    if (!applied.ok) return refuseEvent(at, applied)
    state = applied.state
    events.push(event)
  }
  return state === undefined ? refuseEvent(0, { demand: 'the log must not be empty' }) : { ok: true, events, state }
}
