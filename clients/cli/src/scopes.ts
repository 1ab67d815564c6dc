import { usageError } from './cli-error.ts'

/** The flag for scopes, the same in every command. */
export const scopeFlag = {
  kind: 'list',
  value: 'SCOPES',
  aliases: ['scopes'],
} as const

/** Part of the help of {@link scopeFlag}. */
export const SCOPES_HELP = 'separated by spaces or commas'

/**
 * Reads the scopes of a flag, which may be repeated. Scopes are separated by spaces or commas. Throws CliError if the
 * flag contains no scope.
 */
export function readScopes(given: readonly string[]): string[] {
  const scopes = given.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean)
  if (given.length > 0 && scopes.length === 0)
    throw usageError('--scope must name a scope', 'For example: --scope orders:read')
  return [...new Set(scopes)]
}
