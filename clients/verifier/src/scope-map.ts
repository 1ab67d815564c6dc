import { parseScopeList } from '@auth4agent/core/token/scope'
import type { TrustGrant } from '@auth4agent/core/trust/statement'

/** The scopes of this service for each scope of an issuer. */
export type ScopeMap = TrustGrant['scopes']

const MAX_SCOPES = 64

/**
 * Reads the option `scopes` of an issuer, as a copy. Throws TypeError for other values, for an empty map or list, and
 * for `*`, which is no wildcard.
 */
export function readScopeMap(value: unknown): ScopeMap {
  const entries: readonly [string, unknown][] =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  const map = Object.fromEntries(entries.map(([scope, here]) => [scope, readScopes(here)]))
  const lists = Object.values(map)
  const isRight = Object.keys(map).every(isScope) && lists.every((list) => list.length > 0)
  if (isRight && isCount(lists.length) && isCount(new Set(lists.flat()).size)) return map
  throw new TypeError(
    `scopes must map 1 to ${MAX_SCOPES} scopes of the issuer to at most ${MAX_SCOPES} scopes of this service, without *`,
  )
}

/** Returns an empty list for every other value than a list of scopes. */
function readScopes(value: unknown): readonly string[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : []
  const scopes = given.filter(isScope)
  return scopes.length === given.length ? scopes : []
}

function isCount(count: number): boolean {
  return count >= 1 && count <= MAX_SCOPES
}

function isScope(text: unknown): text is string {
  return typeof text === 'string' && parseScopeList([text]) !== undefined
}
