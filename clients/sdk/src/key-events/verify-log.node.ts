import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import type { LogVerifier } from './log-verifier.ts'

/** Verifies logs with node:crypto. */
export const logVerifier: LogVerifier | undefined = {
  replay(events, did, seen) {
    const last = parseKeyEvent(events.at(-1) ?? '')
    // The log of a DID that the agent has left ends with the move to the next one.
    const hasLeft = last.ok && last.claims.type === 'move' && last.claims.did === did
    return replayKeyEvents(events, hasLeft ? undefined : did, seen)
  },
  apply(state, text) {
    const event = parseKeyEvent(text)
    return event.ok ? applyKeyEvent(state, event) : event
  },
}
