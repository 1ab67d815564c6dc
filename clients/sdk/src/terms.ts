import { parseDuration } from '@auth4agent/core/encoding/duration'
import { parseDid } from '@auth4agent/core/identity/did'
import type { Names } from '@auth4agent/core/names/unknown-name'
import { parseAudiences } from '@auth4agent/core/token/audience'
import { parseScopeList } from '@auth4agent/core/token/scope'

/** The terms of a token: its scopes, audience and lifetime. */
export interface TokenTerms {
  /** The scopes of the token. They must be within the agent's grant. By default, the token has no scopes. */
  readonly scopes?: readonly string[] | undefined
  /** The services that the token is for: up to 8 URLs or host names. By default, the server itself. */
  readonly audience?: string | readonly string[] | undefined
  /** The lifetime: a duration such as `90s` or `15m`, or a number of seconds. By default, the server's default. */
  readonly ttl?: string | number | undefined
  /**
   * The DID of an agent that may exchange the token and then act for this one (RFC 8693 section 4.4). The operator
   * must allow delegation to that agent's domain, and the token must be bound to a key.
   */
  readonly mayAct?: string | undefined
}

/** The option names of terms. */
export const TERM_NAMES: Names<TokenTerms> = { scopes: true, audience: true, ttl: true, mayAct: true }

/** Terms in the canonical form that a bound challenge contains. */
export interface BoundTerms {
  /** The scopes, sorted and separated by spaces. */
  readonly scope: string
  /** The audiences, sorted. */
  readonly audience: readonly string[]
  /** The lifetime in seconds, or undefined for the server's default. */
  readonly ttl: number | undefined
  /** The agent that may act; undefined if none may. */
  readonly mayAct?: string | undefined
}

/** Converts terms to their canonical form. Throws TypeError for terms that no server accepts. */
export function bindTerms({ scopes = [], audience, ttl, mayAct }: TokenTerms, issuer: string): BoundTerms {
  const scope = parseScopeList(scopes)
  if (scope === undefined) throw new TypeError(`scopes must be a list of scope-tokens, not ${JSON.stringify(scopes)}`)
  const texts = typeof audience === 'string' ? [audience] : (audience ?? [])
  const audiences = parseAudiences(texts)
  if (audiences === undefined) {
    throw new TypeError(`audience must be up to 8 URLs or host names, not ${JSON.stringify(audience)}`)
  }
  const seconds = ttl === undefined ? undefined : parseDuration(String(ttl))
  if (ttl !== undefined && seconds === undefined) {
    throw new TypeError(`ttl must be a duration such as 15m, or seconds, not ${JSON.stringify(ttl)}`)
  }
  if (mayAct !== undefined && parseDid(mayAct) === undefined)
    throw new TypeError(`mayAct must be the DID of an agent, not ${JSON.stringify(mayAct)}`)
  const named = audiences.map(({ text }) => text).toSorted()
  return { scope: scope.join(' '), audience: named.length === 0 ? [issuer] : named, ttl: seconds, mayAct }
}
