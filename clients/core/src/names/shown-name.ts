/**
 * Quotes at most 40 characters of a name as printable ASCII, because a name from another party can be long and contain
 * any text.
 *
 * @example
 * ```ts
 * import { shownName } from '@auth4agent/core/names/shown-name'
 *
 * shownName('tab\there') // '"tab?here"'
 * ```
 */
export function shownName(name: string): string {
  return JSON.stringify(name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 40))
}
