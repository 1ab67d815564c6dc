import { parseDuration } from '@auth4agent/core/encoding/duration'
import type { Names } from '@auth4agent/core/names/unknown-name'
import { parseAudiences } from '@auth4agent/core/token/audience'
import { parseScopeList } from '@auth4agent/core/token/scope'

/** What a token is to be good for. */
export interface TokenTerms {
  /** Within the agent's grant; none unless told. */
  readonly scopes?: readonly string[] | undefined
  /** Whom it is for: at most 8 URLs or host names; the server itself unless told. */
  readonly audience?: string | readonly string[] | undefined
  /** Its lifetime: a duration such as `90s` or `15m`, or seconds; the server's default unless told. */
  readonly ttl?: string | number | undefined
}

/** The names that terms have. */
export const TERM_NAMES: Names<TokenTerms> = { scopes: true, audience: true, ttl: true }

/** Terms in the one form in which a challenge is bound to them. */
export interface BoundTerms {
  /** Space-separated and sorted. */
  readonly scope: string
  /** Sorted. */
  readonly audience: readonly string[]
  /** Seconds; undefined for the server's default. */
  readonly ttl: number | undefined
}

/** Reads terms. Throws TypeError for what no server would take. */
export function bindTerms({ scopes = [], audience, ttl }: TokenTerms, issuer: string): BoundTerms {
  const scope = parseScopeList(scopes)
  if (scope === undefined) throw new TypeError(`these are not scopes: ${JSON.stringify(scopes)}`)
  const texts = typeof audience === 'string' ? [audience] : (audience ?? [])
  const audiences = parseAudiences(texts)
  if (audiences === undefined) {
    throw new TypeError(`an audience is a URL or a host name, and there are 8 at most: ${JSON.stringify(audience)}`)
  }
  const seconds = ttl === undefined ? undefined : parseDuration(String(ttl))
  if (ttl !== undefined && seconds === undefined) {
    throw new TypeError(`a lifetime is a duration such as 15m, or seconds: ${String(ttl)}`)
  }
  const named = audiences.map(({ text }) => text).toSorted()
  return { scope: scope.join(' '), audience: named.length === 0 ? [issuer] : named, ttl: seconds }
}
