import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { IssuedToken } from './issued-token.ts'
import type { Runtime } from './runtime.ts'
import { TokenSource } from './token-source.ts'

/** The most sets of terms for which an agent keeps a token. Beyond that, it removes the least recently used set. */
const MAX_KINDS = 100

/** Keeps a token for each set of terms. */
export function keepTokens<Terms>(
  request: (terms: Terms, signal: AbortSignal) => Promise<IssuedToken>,
  runtime: Runtime,
  closing: AbortSignal,
) {
  const sources = new Map<string, TokenSource>()
  return {
    of(terms: Terms): TokenSource {
      const name = JSON.stringify(terms)
      const source = sources.get(name) ?? new TokenSource((signal) => request(terms, signal), runtime, closing)
      keepNewest(sources, name, source, MAX_KINDS)
      return source
    },
    forget(token: string): void {
      for (const source of sources.values()) source.forget(token)
    },
    /** Forgets all tokens. A token that is being requested is still given to its callers. */
    clear(): void {
      for (const source of sources.values()) source.clear()
    },
  }
}
