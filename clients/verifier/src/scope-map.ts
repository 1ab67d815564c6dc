import { parseScopeList, parseScopeString } from '@auth4agent/core/token/scope'

/** The scopes of this service for each scope of an issuer. */
export type ScopeMap = ReadonlyMap<string, readonly string[]>

const MAX_SCOPES = 64

/**
 * Reads the option `scopes` of an issuer. Throws TypeError for other values, for an empty map or list, and for `*`,
 * which is no wildcard.
 */
export function readScopeMap(value: unknown): ScopeMap {
  const entries: readonly [string, unknown][] =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
  const map = new Map(entries.map(([scope, here]) => [scope, Array.isArray(here) ? here.filter(isScope) : []]))
  const isRight = entries.every(
    ([scope, here]) =>
      isScope(scope) && Array.isArray(here) && here.length > 0 && here.length === map.get(scope)?.length,
  )
  if (isRight && isCount(map.size) && isCount(new Set([...map.values()].flat()).size)) return map
  throw new TypeError(
    `scopes must map 1 to ${MAX_SCOPES} scopes of the issuer to lists of at most ${MAX_SCOPES} scopes of this service, without *`,
  )
}

/**
 * Maps the scope of a token. Returns undefined if a scope-token is not in the map: it could restrict the others, so it
 * is not left out.
 */
export function mapScope(map: ScopeMap, scope: string): string | undefined {
  const mapped = new Set<string>()
  for (const each of parseScopeString(scope) ?? []) {
    const here = map.get(each)
    if (here === undefined) return undefined
    for (const own of here) mapped.add(own)
  }
  return [...mapped].join(' ')
}

function isCount(count: number): boolean {
  return count >= 1 && count <= MAX_SCOPES
}

function isScope(text: unknown): text is string {
  return typeof text === 'string' && parseScopeList([text]) !== undefined
}
