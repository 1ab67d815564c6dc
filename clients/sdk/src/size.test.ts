import { expect, it } from 'vitest'
import { bundle } from '../../../test/support/sdk/bundle.ts'

/** Minified bytes of the entry and of what is loaded when it is needed, @noble/ed25519. */
async function sizesOf(text: string): Promise<readonly number[]> {
  return (await bundle(text)).map(({ code }) => Buffer.byteLength(code))
}

it('costs a page that gets tokens less than 22 kB, and 9 kB more where the platform has no Ed25519', async () => {
  const [entry = 0, noble = 0, ...others] = await sizesOf("export { createAgent } from '@auth4agent/sdk'")
  expect(others).toEqual([])
  expect(entry).toBeLessThan(22_000)
  expect(noble).toBeLessThan(9_000)
})

it('runs all of it in a browser: nothing needs Node, and no module does anything by being there', async () => {
  const [entry = ''] = (await bundle("export * from '@auth4agent/sdk'\nexport * from '@auth4agent/sdk/connect'")).map(
    ({ code }) => code,
  )
  expect(entry).not.toMatch(/from\s*["']node:/)
  expect(await sizesOf("import '@auth4agent/sdk'")).toEqual([0])
})
