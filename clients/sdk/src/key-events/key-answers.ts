import type { Answer, Shape } from '../answers.ts'

/** The answers of a server about the keys of an agent, by their names on the wire. Times are RFC 3339 in UTC. */

export const keyEvent = {
  seq: 'count',
  type: 'text',
  event: 'text',
  digest: 'text',
  recorded_at: 'text?',
} as const satisfies Shape
/** An event in the log of an agent's keys. `recorded_at` is the time at which the server accepted it. */
export type KeyEventRecord = Answer<typeof keyEvent>

export const pendingKeyEvent = {
  type: 'text',
  event: 'text',
  digest: 'text',
  requested_at: 'text?',
  effective_at: 'text?',
  released_at: 'text?',
} as const satisfies Shape
/** A recovery or move that waits. `effective_at` is the time at which it takes effect or can be admitted. */
export type PendingKeyEvent = Answer<typeof pendingKeyEvent>

export const keyEventPage = { events: 'any', next_page_token: 'text?', pending: 'any' } as const satisfies Shape

export const appended = {
  did: 'text',
  seq: 'count',
  digest: 'text',
  effective_at: 'text?',
} as const satisfies Shape
/** The place of an appended event in the log. `digest` is the value of `prev` in the next event. */
export type AppendedKeyEvent = Answer<typeof appended>

export const recovery = {
  agent_did: 'text',
  seq: 'count',
  digest: 'text',
  effective_at: 'text?',
} as const satisfies Shape
/** A recovery that waits until `effective_at`. */
export type StartedRecovery = Answer<typeof recovery>

export const objected = { did: 'text', digest: 'text' } as const satisfies Shape
/** A recovery that an objection has ended. `digest` names its event. */
export type EndedRecovery = Answer<typeof objected>
