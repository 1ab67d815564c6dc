/**
 * Why a key event is refused.
 *
 * - `malformed`: the text is no key event, or a claim is wrong.
 * - `conflict`: the event does not follow the last event of the log.
 * - `signature`: the event or its proof is not signed with the right key.
 * - `not-committed`: the agent committed to another key, or to none where the event needs one.
 * - `reused`: the new key is or was already a key of the agent.
 * - `full`: the log has the largest number of events.
 * - `too-many-keys`: the agent has the largest number of added keys.
 * - `unknown-key`: the agent has no such added key.
 * - `ended`: the agent was deactivated.
 */
export type KeyEventFault =
  | 'malformed'
  | 'conflict'
  | 'signature'
  | 'not-committed'
  | 'reused'
  | 'full'
  | 'too-many-keys'
  | 'unknown-key'
  | 'ended'

/** The reason with which a server refuses an event, for each fault. */
export const KEY_EVENT_REASONS = {
  malformed: 'INVALID_KEY_EVENT',
  conflict: 'KEY_EVENT_CONFLICT',
  signature: 'INVALID_KEY_EVENT',
  'not-committed': 'KEY_NOT_COMMITTED',
  reused: 'KEY_REUSED',
  full: 'KEY_EVENT_LIMIT',
  'too-many-keys': 'ADDED_KEY_LIMIT',
  'unknown-key': 'ADDED_KEY_NOT_FOUND',
  ended: 'AGENT_REVOKED',
} as const satisfies Record<KeyEventFault, string>

/** A refused key event. `demand` says in one sentence what would be right, without a capital and a full stop. */
export interface KeyEventRefusal {
  readonly ok: false
  readonly why: KeyEventFault
  readonly demand: string
}

/**
 * Makes a refusal.
 *
 * @example
 * ```ts
 * import { refuse } from '@auth4agent/core/key-events/refusal'
 *
 * refuse('conflict', 'seq must be 4')
 * ```
 */
export function refuse(why: KeyEventFault, demand: string): KeyEventRefusal {
  return { ok: false, why, demand }
}
