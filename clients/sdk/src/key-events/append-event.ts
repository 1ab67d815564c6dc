import type { KeyState } from '@auth4agent/core/key-events/key-state'
import { KEY_EVENT_REASONS } from '@auth4agent/core/key-events/refusal'
import { logVerifier } from '#verify-log'
import { readAnswer } from '../answers.ts'
import { Auth4AgentError } from '../errors.ts'
import { withRetries } from '../retry.ts'
import type { Runtime } from '../runtime.ts'
import type { Server } from '../server.ts'
import * as answers from './key-answers.ts'

/**
 * Throws for an event that the log would refuse, with the reason that the server would give. Platforms without
 * node:crypto leave this decision to the server.
 */
export function expectApplicable(state: KeyState | undefined, event: string): void {
  if (state === undefined) return
  const applied = logVerifier?.apply(state, event)
  if (applied?.ok !== false) return
  const { why, demand } = applied
  throw new Auth4AgentError(`Nothing was sent: ${demand}`, { reason: KEY_EVENT_REASONS[why], status: 0 })
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
