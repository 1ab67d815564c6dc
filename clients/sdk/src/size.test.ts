import { expect, it } from 'vitest'
import { bundle } from '../../../test/support/sdk/bundle.ts'

/** Files that a page loads on demand, by the beginnings of their names. All others are code for bound tokens. */
const ON_DEMAND = {
  noble: ['ed25519'],
  grants: [
    'act-for-user',
    'grant-calls',
    'grant-terms',
    'held-grant',
    'presented-grant',
    'prove-call',
    'refused-grant',
  ],
  chaining: ['other-deployments'],
  keys: ['key-calls', 'rotate-key', 'schedule-rotation', 'find-identity-key', 'operator-answers'],
}

const KINDS = ['noble', 'keys', 'grants', 'chaining'] as const

/**
 * Resolves with the sizes of a minified program in bytes: of the files that a page loads at once, of @noble/ed25519,
 * of the code that changes keys, for grants and for other deployments, and of the other files that it loads on demand.
 */
async function sizesOf(text: string) {
  const files = await bundle(text)
  const [entry] = files
  const first = new Set([entry?.name, ...(entry?.imports ?? [])])
  const sizes = { atOnce: 0, noble: 0, keys: 0, grants: 0, chaining: 0, rest: 0 }
  for (const { name, code } of files) {
    const isOf = (names: readonly string[]) => names.some((begin) => name.startsWith(begin))
    const onDemand = KINDS.find((kind) => isOf(ON_DEMAND[kind])) ?? 'rest'
    sizes[first.has(name) ? 'atOnce' : onDemand] += Buffer.byteLength(code)
  }
  return sizes
}

it('createAgent adds less than 35 kB to a page, and the code of rarer calls only on demand', async () => {
  const { atOnce, noble, keys, grants, chaining, rest } = await sizesOf("export { createAgent } from '@auth4agent/sdk'")
  expect(atOnce).toBeLessThan(35_000)
  expect(noble).toBeLessThan(9_000)
  expect(rest).toBeLessThan(16_000)
  expect(keys).toBeLessThan(11_000)
  expect(grants).toBeLessThan(44_000)
  expect(chaining).toBeLessThan(12_000)
  expect(chaining).toBeGreaterThan(4_000)
  // Fails if the code that only bound tokens, changes of keys or grants need becomes a part of the entry.
  expect(rest).toBeGreaterThan(10_000)
  expect(keys).toBeGreaterThan(8_000)
  expect(grants).toBeGreaterThan(28_000)
})

it('@auth4agent/sdk imports nothing from Node, and its modules have no side effects', async () => {
  const [entry] = await bundle("export * from '@auth4agent/sdk'\nexport * from '@auth4agent/sdk/connect'")
  expect(entry?.code).not.toMatch(/from\s*["']node:/)
  expect(await sizesOf("import '@auth4agent/sdk'")).toEqual({
    atOnce: 0,
    noble: 0,
    keys: 0,
    grants: 0,
    chaining: 0,
    rest: 0,
  })
})
