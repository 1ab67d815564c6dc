/**
 * Writes a JSON value in its only canonical form (RFC 8785, JCS): without white space, with members sorted by the
 * UTF-16 code units of their names, and with numbers and texts as ECMAScript writes them.
 *
 * @param value a value that JSON can carry, such as `isJsonValue` accepts. The caller checks this.
 * @example
 * ```ts
 * import { canonicalJson } from '@auth4agent/core/encoding/canonical-json'
 *
 * canonicalJson({ b: 1.0, a: [true] }) // '{"a":[true],"b":1}'
 * ```
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    // Not localeCompare: < compares code units.
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}
