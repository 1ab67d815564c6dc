import type { KeyState } from '@auth4agent/core/key-events/key-state'
import type { KeyEventFault } from '@auth4agent/core/key-events/refusal'
import { logVerifier } from '#verify-log'
import { readAnswer } from '../answers.ts'
import { Auth4AgentError } from '../errors.ts'
import { withRetries } from '../retry.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import * as answers from './key-answers.ts'

/** The server's reason for each fault of an event. */
const REASONS: Readonly<Record<KeyEventFault, string>> = {
  malformed: 'INVALID_KEY_EVENT',
  conflict: 'KEY_EVENT_CONFLICT',
  signature: 'INVALID_KEY_EVENT',
  'not-committed': 'KEY_NOT_COMMITTED',
  reused: 'KEY_REUSED',
  full: 'KEY_EVENT_LIMIT',
  'too-many-keys': 'ADDED_KEY_LIMIT',
  'unknown-key': 'ADDED_KEY_NOT_FOUND',
  ended: 'AGENT_REVOKED',
}

/**
 * Throws for an event that the log would refuse, with the reason that the server would give. Platforms without
 * node:crypto leave this decision to the server.
 */
export function expectApplicable(state: KeyState | undefined, event: string): void {
  if (state === undefined) return
  const applied = logVerifier?.apply(state, event)
  if (applied?.ok !== false) return
  const { why, demand } = applied
  throw new Auth4AgentError(`Nothing was sent: ${demand}`, { reason: REASONS[why], status: 0 })
}

/**
 * Sends an event to the log. Repeats it if the answer is lost: the server accepts an event that is already in the log.
 */
export function appendEvent(
  server: Server,
  runtime: Runtime,
  { did, event, signal }: { readonly did: string; readonly event: string; readonly signal: AbortSignal },
): Promise<answers.AppendedKeyEvent> {
  const call = { method: 'POST', path: `/v1/agent/${did}/events`, body: { event }, signal }
  return withRetries(runtime, signal, async () => readAnswer(answers.appended, await server.transport(call)))
}
