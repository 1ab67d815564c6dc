import { expect, it } from 'vitest'
import { bundle } from '../../../test/support/sdk/bundle.ts'

/** Resolves with the sizes in minified bytes: of the program, and of @noble/ed25519, which is loaded on demand. */
async function sizesOf(text: string): Promise<readonly number[]> {
  return (await bundle(text)).map(({ code }) => Buffer.byteLength(code))
}

it('createAgent adds less than 22 kB to a page, and 9 kB more if the platform has no Ed25519', async () => {
  const [entry = 0, noble = 0, ...others] = await sizesOf("export { createAgent } from '@auth4agent/sdk'")
  expect(others).toEqual([])
  expect(entry).toBeLessThan(22_000)
  expect(noble).toBeLessThan(9_000)
})

it('@auth4agent/sdk imports nothing from Node, and its modules have no side effects', async () => {
  const [entry = ''] = (await bundle("export * from '@auth4agent/sdk'\nexport * from '@auth4agent/sdk/connect'")).map(
    ({ code }) => code,
  )
  expect(entry).not.toMatch(/from\s*["']node:/)
  expect(await sizesOf("import '@auth4agent/sdk'")).toEqual([0])
})
