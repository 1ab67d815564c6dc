/** What is known of tokens whose signature has held. */
export interface TokenCache<T> {
  get(text: string): T | undefined
  set(text: string, known: T): void
  delete(text: string): void
  readonly size: number
}

interface Entry<T> {
  readonly text: string
  readonly known: T
}

const CAPACITY = 20_000
/** Longer ones are checked each time, so that few people's tokens cannot take much memory. */
const MAX_TEXT = 2_048
/** Characters at the end of a token, which are of its signature: to hash all of a text takes longer than to compare it. */
const TAIL = 32

/**
 * Remembers at most `capacity` tokens by their texts, the one that came first leaving first. Only genuine ones may be put in: of an
 * issuer, a jti and a signature there is one canonical text, and nobody can fill it with texts of their own.
 */
export function createTokenCache<T>(capacity = CAPACITY): TokenCache<T> {
  const entries = new Map<string, Entry<T>>()
  // One iterator for good: a new one would have to pass all that has left before it came to the first.
  const oldest = entries.keys()
  return {
    get(text) {
      const entry = entries.get(text.slice(-TAIL))
      return entry?.text === text ? entry.known : undefined
    },
    set(text, known) {
      if (text.length > MAX_TEXT) return
      const tail = text.slice(-TAIL)
      entries.set(tail, { text, known })
      if (entries.size > capacity) entries.delete(oldest.next().value ?? tail)
    },
    delete: (text) => void entries.delete(text.slice(-TAIL)),
    get size() {
      return entries.size
    },
  }
}
