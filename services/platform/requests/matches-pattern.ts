/** Tells whether a text is the same as a pattern or, if the pattern ends with `*`, begins with what stands before. */
export function matchesPattern(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern
}
