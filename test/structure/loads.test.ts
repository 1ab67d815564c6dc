import { expect, it } from 'vitest'
import { readLoads } from './read-imports.ts'

const loads = readLoads()

/** Returns everything that is loaded with these files. */
function loadedWith(...paths: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (path: string): void => {
    if (found.has(path)) return
    found.add(path)
    for (const target of loads.get(path) ?? []) visit(target)
  }
  for (const path of paths) visit(path)
  return found
}

/** What a process of each part loads, in addition to `start-server.ts`. Every process follows the revocation log. */
const PARTS = {
  'jwks-gateway': ['public-listeners.ts'],
  'operator-registry': ['create-registry.ts', 'internal-listener.ts'],
  identity: ['create-identity.ts', 'internal-listener.ts'],
  authn: ['create-authn.ts', 'internal-listener.ts'],
}
/** The files in which each part begins. */
const BEGINNINGS = {
  'jwks-gateway': 'services/jwks-gateway/server.ts',
  'operator-registry': 'services/operator-registry/confirm.ts',
  identity: 'services/identity/routes.ts',
  authn: 'services/authn/redeemer.ts',
}
/** Parts whose code another part uses: trust reads domains and keys as the registry does. */
const USED: Partial<Record<keyof typeof PARTS, readonly string[]>> = { authn: ['operator-registry'] }
const names = Object.keys(PARTS) as (keyof typeof PARTS)[]

it.each(names)('a process of %s loads its own code, and no code of other parts that it does not use', (name) => {
  const found = loadedWith(...['start-server.ts', ...PARTS[name]].map((file) => `services/compose/${file}`))
  const others = names.filter((other) => other !== name && found.has(BEGINNINGS[other]))
  expect(others).toEqual(USED[name] ?? [])
  expect(found.has(BEGINNINGS[name])).toBe(true)
})
