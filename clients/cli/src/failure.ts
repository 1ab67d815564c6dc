import { CliError } from './cli-error.ts'
import type { Exit } from './exit-codes.ts'
import { hintFor } from './hints.ts'
import { plain } from './text.ts'

/** What is told about a command that failed. */
export interface Failure {
  readonly reason: string
  readonly message: string
  readonly hint: string | undefined
  readonly exit: Exit
}

/** Reasons that are not a refusal. */
const exits: ReadonlyMap<string, Exit> = new Map([
  ['NETWORK_ERROR', 'unreachable'],
  ['OVERLOADED', 'unreachable'],
  ['UNAVAILABLE', 'unreachable'],
  ['CONFIGURATION', 'configuration'],
])

/**
 * What to tell about an error of any kind. The classes of the SDK are recognised by their members, so that nothing of it is loaded to
 * say that a flag is unknown.
 */
export function toFailure(error: unknown, interrupted: Exit | undefined): Failure {
  if (interrupted !== undefined)
    return { reason: 'INTERRUPTED', message: 'interrupted', hint: undefined, exit: interrupted }
  if (error instanceof CliError) {
    const { reason, message, hint, exit } = error
    return { reason, message: plain(message), hint, exit }
  }
  if (error instanceof Error && error.name === 'Auth4AgentError' && 'reason' in error) {
    const reason = plain(String(error.reason))
    const wait = 'retryAfterS' in error && typeof error.retryAfterS === 'number' ? `Wait ${error.retryAfterS} s. ` : ''
    const hint = `${wait}${hintFor(reason) ?? ''}`.trim()
    return { reason, message: plain(error.message), hint: hint || undefined, exit: exits.get(reason) ?? 'refused' }
  }
  const message = `unexpected: ${plain(String(error))}`
  return { reason: 'TOOL_ERROR', message, hint: hintFor('TOOL_ERROR'), exit: 'internal' }
}
