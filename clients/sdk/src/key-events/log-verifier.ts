import type { Applied } from '@auth4agent/core/key-events/apply-key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import type { Replayed } from '@auth4agent/core/key-events/replay-key-events'

/** The end of a log as it was seen before. */
export type SeenEnd = Pick<KeyState, 'seq' | 'head'>

/** Verifies logs of key events. */
export interface LogVerifier {
  /**
   * Replays a log that must end with this DID, or with the move that leaves it, and continue the log that was seen
   * before.
   */
  replay(events: readonly string[], did: string, seen?: SeenEnd): Replayed
  /** Applies one event to the state of a log. */
  apply(state: KeyState, text: string): Applied
}
