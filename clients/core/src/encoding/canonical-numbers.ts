const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g

/**
 * Tells whether every number of a JSON text is written as ECMAScript writes it (RFC 8785 section 3.2.2.3). Then no two
 * spellings are the same number, and no reader sees other digits than a double has.
 *
 * @param text a text that JSON.parse accepts. The caller checks this.
 * @example
 * ```ts
 * import { hasCanonicalNumbers } from '@auth4agent/core/encoding/canonical-numbers'
 *
 * hasCanonicalNumbers('{"max":500}') // true
 * hasCanonicalNumbers('{"max":500.0}') // false
 * hasCanonicalNumbers('{"max":9007199254740993}') // false
 * ```
 */
export function hasCanonicalNumbers(text: string): boolean {
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    if (!token.startsWith('"') && token !== String(Number(token))) return false
  }
  return true
}
