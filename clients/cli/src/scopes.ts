import { usageError } from './cli-error.ts'

/** The flag by which every command takes scopes. */
export const scopeFlag = {
  kind: 'list',
  value: 'SCOPES',
  aliases: ['scopes'],
} as const

/** How scopes are written, for the help of that flag. */
export const SCOPES_HELP = 'separated by spaces or commas, or repeated'

/**
 * Scopes as flags give them: separated by spaces or commas, or the flag repeated. Throws CliError for a flag that
 * names none.
 */
export function readScopes(given: readonly string[]): string[] {
  const scopes = given.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean)
  if (given.length > 0 && scopes.length === 0)
    throw usageError('--scope names no scope', 'For example: --scope orders:read')
  return [...new Set(scopes)]
}
