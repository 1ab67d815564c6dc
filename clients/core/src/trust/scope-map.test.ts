import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mapScopes } from './scope-map.ts'

const GRANT = { scopes: { 'orders:read': ['read'], 'orders:all': ['write', 'read'], admin: ['admin'], none: [] } }

describe('mapScopes', () => {
  it.each([
    ['one scope', ['orders:read'], ['read']],
    ['two scopes to their union, sorted and without duplicates', ['orders:read', 'orders:all'], ['read', 'write']],
    ['no scope to none', [], []],
    ['a repeated scope once', ['admin', 'admin'], ['admin']],
  ])('maps %s', (_, scopes, expected) => {
    expect(mapScopes(GRANT, scopes)).toEqual(expected)
  })

  it.each([
    ['a scope that is not mapped', ['orders:write']],
    ['one mapped scope beside one that is not', ['orders:read', 'orders:write']],
    ['a scope that only the audience knows', ['read']],
    ['a scope that maps to an empty list', ['none']],
    ['a scope in another case', ['Orders:read']],
    ['a scope with the name of an inherited member', ['toString']],
    ['the scope __proto__', ['__proto__']],
  ])('refuses %s', (_, scopes) => {
    expect(mapScopes(GRANT, scopes)).toBeUndefined()
  })

  it('gives exactly the values of the wanted scopes, or nothing if one is not mapped', () => {
    const scope = fc.constantFrom('a', 'b', 'c', 'd', 'toString', '__proto__', 'constructor')
    const map = fc.uniqueArray(fc.tuple(scope, fc.uniqueArray(scope, { minLength: 1 })), { selector: ([name]) => name })
    fc.assert(
      fc.property(map, fc.array(scope), (entries, wanted) => {
        const byScope = new Map(entries)
        const expected = new Set(wanted.flatMap((name) => byScope.get(name) ?? []))
        const isMapped = wanted.every((name) => byScope.has(name))
        const mapped = mapScopes({ scopes: Object.fromEntries(entries) }, wanted)
        expect(mapped).toEqual(isMapped ? [...expected].toSorted() : undefined)
      }),
    )
  })
})
