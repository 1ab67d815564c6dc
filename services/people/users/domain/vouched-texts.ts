const MAX_NAME = 200
const MAX_GROUPS = 64
/** Control characters, separators of lines, and characters that change the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

/**
 * Returns a name of a person as pages may show it, and the database can store it: at most 200 characters (code
 * points). A name is never compared, so a bad one is repaired instead of refused.
 */
export function printableName(name: string): string {
  // A character has at most two units. So a huge name costs little.
  const text = name
    .slice(0, 4 * MAX_NAME)
    .toWellFormed()
    .replaceAll(UNPRINTABLE, ' ')
    .trim()
  return Array.from(text).slice(0, MAX_NAME).join('')
}

/**
 * Returns those of a person's groups that count: the groups that a rule names, at most 64. The others are nobody's
 * business here. Fewer groups never let a user do more.
 */
export function countingGroups(groups: readonly string[], named: ReadonlySet<string>): string[] {
  return [...new Set(groups)]
    .filter((group) => named.has(group))
    .toSorted()
    .slice(0, MAX_GROUPS)
}
