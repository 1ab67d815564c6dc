import { expect, it } from 'vitest'
import { bundle } from '../../../test/support/sdk/bundle.ts'

/**
 * Resolves with the sizes of a minified program in bytes: of the files that a page loads at once, of @noble/ed25519,
 * and of the other files that it loads on demand.
 */
async function sizesOf(
  text: string,
): Promise<{ readonly atOnce: number; readonly noble: number; readonly rest: number }> {
  const files = await bundle(text)
  const [entry] = files
  const first = new Set([entry?.name, ...(entry?.imports ?? [])])
  const sizes = { atOnce: 0, noble: 0, rest: 0 }
  for (const { name, code } of files) {
    const when = first.has(name) ? 'atOnce' : name.startsWith('ed25519') ? 'noble' : 'rest'
    sizes[when] += Buffer.byteLength(code)
  }
  return sizes
}

it('createAgent adds less than 28 kB to a page, and 9 kB more each if the platform has no Ed25519 or tokens are bound', async () => {
  const { atOnce, noble, rest } = await sizesOf("export { createAgent } from '@auth4agent/sdk'")
  expect(atOnce).toBeLessThan(28_000)
  expect(noble).toBeLessThan(9_000)
  expect(rest).toBeLessThan(9_000)
  // Fails if the code that only bound tokens need becomes a part of the entry.
  expect(rest).toBeGreaterThan(6_000)
})

it('@auth4agent/sdk imports nothing from Node, and its modules have no side effects', async () => {
  const [entry] = await bundle("export * from '@auth4agent/sdk'\nexport * from '@auth4agent/sdk/connect'")
  expect(entry?.code).not.toMatch(/from\s*["']node:/)
  expect(await sizesOf("import '@auth4agent/sdk'")).toEqual({ atOnce: 0, noble: 0, rest: 0 })
})
