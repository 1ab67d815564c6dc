/**
 * The most characters of a list in a reason. It is enough for the longest single value and for the grants of a chain.
 * Each list has a limit of its own, so no client can push out the facts of another list.
 */
const MAX_LIST = 600

/**
 * Writes a list for a reason in the audit; an empty text for an empty list. Scopes and URLs may contain a semicolon,
 * but no space and no quote. So no value can look like another part.
 */
export function listOf(name: string, values: readonly string[]): string {
  if (values.length === 0) return ''
  const kept = values.filter((_, at) => JSON.stringify(values.slice(0, at + 1)).length <= MAX_LIST)
  const rest = values.length - kept.length
  return `${name} ${JSON.stringify(kept)}${rest === 0 ? '' : ` and ${rest} more`}`
}
