import type { TrustGrant } from './statement.ts'

/**
 * Maps the scopes of a caller's token to scopes at the audience of a grant. One scope that the grant does not map
 * refuses all of them: dropping it would hide from the caller that the token allows less.
 *
 * @returns the scopes at the audience, sorted and without duplicates, or undefined if a scope is not mapped.
 * @example
 * ```ts
 * import { mapScopes } from '@auth4agent/core/trust/scope-map'
 *
 * const grant = { scopes: { 'orders:read': ['read'] } }
 * mapScopes(grant, ['orders:read']) // ['read']
 * mapScopes(grant, ['orders:read', 'orders:write']) // undefined
 * ```
 */
export function mapScopes({ scopes }: Pick<TrustGrant, 'scopes'>, wanted: readonly string[]): string[] | undefined {
  const mapped = new Set<string>()
  for (const scope of wanted) {
    // A scope can have the name of a member that every object inherits, such as toString.
    const effective = Object.hasOwn(scopes, scope) ? scopes[scope] : undefined
    if (effective === undefined || effective.length === 0) return undefined
    for (const each of effective) mapped.add(each)
  }
  return [...mapped].toSorted()
}
