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
  attestation: ['enrol-agent', 'gather-evidence', 'keep-attested'],
  keys: ['key-calls', 'rotate-key', 'schedule-rotation', 'find-identity-key', 'operator-answers'],
}

const KINDS = ['noble', 'keys', 'grants', 'chaining', 'attestation'] as const

/**
 * Resolves with the sizes of a minified program in bytes: of the files that a page loads at once, of @noble/ed25519,
 * of the code that changes keys, for grants, for other deployments and for attestation, and of the other files that it
 * loads on demand.
 */
async function sizesOf(text: string) {
  const files = await bundle(text)
  const first = new Set(files.slice(0, 1).map(({ name }) => name))
  // A Set iterates over the names that are added meanwhile, so this follows the imports of imports.
  for (const loaded of first)
    for (const name of files.find((file) => file.name === loaded)?.imports ?? []) first.add(name)
  const sizes = { atOnce: 0, noble: 0, keys: 0, grants: 0, chaining: 0, attestation: 0, rest: 0 }
  for (const { name, code } of files) {
    const isOf = (names: readonly string[]) => names.some((begin) => name.startsWith(begin))
    const onDemand = KINDS.find((kind) => isOf(ON_DEMAND[kind])) ?? 'rest'
    sizes[first.has(name) ? 'atOnce' : onDemand] += Buffer.byteLength(code)
  }
  return sizes
}

it('createAgent adds less than 41 kB to a page, and the code of rarer calls only on demand', async () => {
  const { atOnce, noble, keys, grants, chaining, attestation, rest } = await sizesOf(
    "export { createAgent } from '@auth4agent/sdk'",
  )
  expect(atOnce).toBeLessThan(41_000)
  expect(noble).toBeLessThan(9_000)
  expect(rest).toBeLessThan(16_000)
  expect(keys).toBeLessThan(11_000)
  expect(grants).toBeLessThan(44_000)
  expect(chaining).toBeLessThan(12_000)
  expect(chaining).toBeGreaterThan(4_000)
  expect(attestation).toBeLessThan(7_000)
  expect(attestation).toBeGreaterThan(5_000)
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
    attestation: 0,
    rest: 0,
  })
})
