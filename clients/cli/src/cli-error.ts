import type { Exit } from './exit-codes.ts'

/**
 * Error that ends a command. `reason` never changes, so scripts can rely on it. `hint` says what to do next. No part
 * may contain a secret.
 */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly reason: string
  readonly exit: Exit
  readonly hint: string | undefined

  constructor(message: string, { reason, exit, hint }: { reason: string; exit: Exit; hint?: string | undefined }) {
    super(message)
    this.reason = reason
    this.exit = exit
    this.hint = hint
  }
}

/** Makes the error for a wrong command line. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(message, { reason: 'USAGE', exit: 'usage', hint })
}

/** Makes the error for a file or key on this machine that is missing or wrong. */
export function configurationError(message: string, hint?: string): CliError {
  return new CliError(message, { reason: 'CONFIGURATION', exit: 'configuration', hint })
}
