import type { Exit } from './exit-codes.ts'

/** Why a command cannot go on: `reason` is stable and for scripts, `hint` says what to do next. Neither may hold a secret. */
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

/** A command line that is not understood. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(message, { reason: 'USAGE', exit: 'usage', hint })
}

/** A file or key on this machine that is missing or wrong. */
export function configurationError(message: string, hint?: string): CliError {
  return new CliError(message, { reason: 'CONFIGURATION', exit: 'configuration', hint })
}
