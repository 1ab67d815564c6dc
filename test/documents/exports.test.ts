import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readFromCheckout } from '../support/documents/checkout.ts'
import { exportsPage } from '../support/documents/exports-page.ts'

const PACKAGES = ['core', 'sdk', 'verifier'] as const

/** Returns the exports that the page lists, by what programs write to import them. */
async function listed(): Promise<ReadonlyMap<string, readonly string[]>> {
  const page = await readFromCheckout('docs/exports.md')
  const entries = page.split('\n### `').slice(1)
  return new Map(
    entries.map((entry) => [
      entry.slice(0, entry.indexOf('`')),
      [...entry.matchAll(/^\| `(\w+)` \| \S.* \|$/gm)].map(([, name = '']) => name),
    ]),
  )
}

/** Returns what programs write to import each entry of a package, with the path of its source. */
async function entriesOf(name: string): Promise<readonly (readonly [string, string])[]> {
  const { exports } = JSON.parse(await readFromCheckout(`clients/${name}/package.json`)) as {
    readonly exports: Readonly<Record<string, string>>
  }
  return Object.entries(exports).map(([entry, path]) => [
    `@auth4agent/${name}${entry.slice(1)}`,
    `clients/${name}/${path}`,
  ])
}

describe('docs/exports.md', () => {
  it('is what `npm run generate` writes from the sources', async () => {
    expect(await readFromCheckout('docs/exports.md')).toBe(exportsPage())
  })

  it('lists each entry of each package.json, and no other', async () => {
    const entries = (await Promise.all(PACKAGES.map(entriesOf))).flat().map(([entry]) => entry)
    expect([...(await listed()).keys()]).toEqual(entries)
  })

  it.each(PACKAGES)('lists everything that the modules of %s export when they run', async (name) => {
    const page = await listed()
    for (const [entry, path] of await entriesOf(name)) {
      if (entry.endsWith('-sodium')) continue
      const module = (await import(pathToFileURL(join(import.meta.dirname, '../..', path)).href)) as object
      expect(page.get(entry), entry).toEqual(expect.arrayContaining(Object.keys(module)))
    }
  })
})
