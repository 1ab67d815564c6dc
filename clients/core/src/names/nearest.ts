/** A longer word is no misspelt known word, and comparing it would take long. */
const MAX_LENGTH = 64

/**
 * Returns the known word that a misspelt word probably means, or undefined. Case does not matter. It prefers, in this
 * order: a known word that begins with `word`; the known word that is fewest edits away, at most two and at most half
 * of its letters; a known name that ends with `word` as a part, such as `allowed_scopes` for `scopes`.
 *
 * @example
 * ```ts
 * import { nearest } from '@auth4agent/core/names/nearest'
 *
 * nearest('isue', ['issue', 'verify']) // 'issue'
 * ```
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined
  let best: { word: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = distanceBetween(word, candidate)
    const limit = Math.min(2, Math.floor(candidate.length / 2))
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { word: candidate, distance }
  }
  return best?.word
}

function distanceBetween(word: string, candidate: string): number {
  const [a, b] = [word.toLowerCase(), candidate.toLowerCase()]
  if (b.startsWith(a) && a.length > 1) return Math.min(1, b.length - a.length)
  const edits = editDistance(a, b)
  return a.length > 1 && isLastPart(a, candidate) ? Math.min(2, edits) : edits
}

/**
 * Tells whether a word is the last part of a composed name, as `id` is of `operator_id`, `operator-id` and
 * `operatorId`.
 */
function isLastPart(word: string, name: string): boolean {
  const start = name.length - word.length
  if (start < 1 || !name.toLowerCase().endsWith(word)) return false
  return /[_-]/.test(name.charAt(start - 1)) || /[A-Z]/.test(name.charAt(start))
}

/** Counts the insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (beforeLast[j - 2] ?? Infinity) + 1 : Infinity
      const edits = [(row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + same, swap]
      row.push(Math.min(...edits))
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
