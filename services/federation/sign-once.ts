/** How long a signed document is served, in milliseconds. */
const KEEP_MS = 60_000

/** Returns the document of a name, and makes it if there is none that is young enough. */
type Once = (name: string, make: () => Promise<string>) => Promise<string>

/**
 * Remembers signed documents for a minute. Forgets all of them when the kids of the published keys change, so nothing
 * is served under a key that was marked as compromised. Requests that come while a document is made share it.
 *
 * @param now returns milliseconds
 */
export function signOnce(now: () => number, kidsNow: () => Promise<readonly string[]>): Once {
  let known = new Map<string, { readonly document: Promise<string>; readonly madeAt: number }>()
  let kids = ''
  return async (name, make) => {
    const current = (await kidsNow()).join(' ')
    if (current !== kids) {
      kids = current
      known = new Map()
    }
    const entries = known
    const found = entries.get(name)
    const ageMs = found === undefined ? KEEP_MS : now() - found.madeAt
    if (found !== undefined && ageMs >= 0 && ageMs < KEEP_MS) return found.document
    const document = make()
    for (const [each, { madeAt }] of entries) if (now() - madeAt >= KEEP_MS) entries.delete(each)
    entries.set(name, { document, madeAt: now() })
    document.catch(() => entries.delete(name))
    return document
  }
}
