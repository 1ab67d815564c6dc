import { CliError } from './cli-error.ts'
import type { Exit } from './exit-codes.ts'
import { hintFor, LATER } from './hints.ts'
import { plain } from './text.ts'

/** What the tool prints about a command that failed. */
export interface Failure {
  readonly reason: string
  readonly message: string
  readonly hint: string | undefined
  readonly exit: Exit
}

const TOO_MANY_REQUESTS = 429
const SERVER_ERRORS = 500

/**
 * Describes any error. It recognises the SDK's error class by its members, so that an error such as an unknown flag
 * does not load the SDK.
 */
export function toFailure(error: unknown, interrupted: Exit | undefined): Failure {
  if (interrupted !== undefined)
    return { reason: 'INTERRUPTED', message: 'Interrupted', hint: undefined, exit: interrupted }
  if (error instanceof CliError) {
    const { reason, message, hint, exit } = error
    return { reason, message: plain(message), hint, exit }
  }
  if (error instanceof Error && error.name === 'Auth4AgentError' && 'reason' in error) {
    const reason = plain(String(error.reason))
    const hint = hintFor(reason)
    const seconds = 'retryAfterS' in error && typeof error.retryAfterS === 'number' ? error.retryAfterS : undefined
    const status = 'status' in error && typeof error.status === 'number' ? error.status : 0
    return {
      reason,
      message: plain(error.message),
      hint: seconds === undefined ? hint : waiting(seconds, hint),
      exit: exitOf(reason, status),
    }
  }
  const message = `Unexpected error: ${plain(String(error))}`
  return { reason: 'TOOL_ERROR', message, hint: hintFor('TOOL_ERROR'), exit: 'internal' }
}

/** Adds how long to wait to a hint. Replaces the hint that says only to wait. */
function waiting(seconds: number, hint: string | undefined): string {
  const wait = `Wait ${seconds} s, then try again.`
  return hint === undefined || hint === LATER ? wait : `${hint} ${wait}`
}

/** Returns the exit code. A temporary failure, of the server or of a proxy in front of it, counts as unreachable. */
function exitOf(reason: string, status: number): Exit {
  if (reason === 'CONFIGURATION') return 'configuration'
  const isLater = reason === 'NETWORK_ERROR' || status === TOO_MANY_REQUESTS || status >= SERVER_ERRORS
  return isLater ? 'unreachable' : 'refused'
}
