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

const TOO_MANY_REQUESTS = 429
const SERVER_ERRORS = 500

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
    const status = 'status' in error && typeof error.status === 'number' ? error.status : 0
    return { reason, message: plain(error.message), hint: hint || undefined, exit: exitOf(reason, status) }
  }
  const message = `unexpected: ${plain(String(error))}`
  return { reason: 'TOOL_ERROR', message, hint: hintFor('TOOL_ERROR'), exit: 'internal' }
}

/** What may be answered otherwise in a while is no refusal, whoever on the way has answered. */
function exitOf(reason: string, status: number): Exit {
  if (reason === 'CONFIGURATION') return 'configuration'
  const isLater = reason === 'NETWORK_ERROR' || status === TOO_MANY_REQUESTS || status >= SERVER_ERRORS
  return isLater ? 'unreachable' : 'refused'
}
