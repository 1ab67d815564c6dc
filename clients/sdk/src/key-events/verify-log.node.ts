import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import { replayKeyEvents } from '@auth4agent/core/key-events/replay-key-events'
import type { LogVerifier } from './log-verifier.ts'

/** Verifies logs with node:crypto. */
export const logVerifier: LogVerifier | undefined = {
  replay: replayKeyEvents,
  apply(state, text) {
    const event = parseKeyEvent(text)
    return event.ok ? applyKeyEvent(state, event) : event
  },
}
