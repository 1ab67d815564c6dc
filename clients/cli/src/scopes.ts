import { usageError } from './cli-error.ts'

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
