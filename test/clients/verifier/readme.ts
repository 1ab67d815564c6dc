import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SeedSigner } from '@auth4agent/sdk'

const README = join(import.meta.dirname, '../../../clients/verifier/README.md')

/**
 * Runs the TypeScript blocks of the verifier's README one after the other, each as its own module. A block can use the
 * names of all earlier blocks. `values` are the names that the README does not define, with their values. `issuer`
 * replaces the example issuer, and `key` is in the file that the README reads. Resolves with all names and values.
 */
export async function runReadme(
  values: Readonly<Record<string, unknown>>,
  key: SeedSigner,
): Promise<Readonly<Record<string, unknown>>> {
  const folder = await mkdtemp(join(import.meta.dirname, '.readme-'))
  const keyFile = join(folder, 'orders-api.key')
  const text = (await readFile(README, 'utf8'))
    .replaceAll('https://auth.example.com', String(values['issuer']))
    .replace('/etc/orders-api/watch.key', keyFile)
  const blocks = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, block = '']) => block)
  if (blocks.length < 8) throw new Error('The README has fewer examples than before')
  try {
    await writeFile(keyFile, Buffer.concat([key.exportSeed(), key.publicKey]).toString('base64'), { mode: 0o600 })
    Reflect.set(globalThis, 'readme', values)
    const names: Record<string, unknown> = Object.assign({}, values)
    for (const [index, block] of blocks.entries()) {
      const path = join(folder, `${index}.ts`)
      await writeFile(path, toModule(block, Object.keys(names)))
      Object.assign(names, await import(path))
      Reflect.set(globalThis, 'readme', names)
    }
    return names
  } finally {
    Reflect.deleteProperty(globalThis, 'readme')
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes a module of a block. It exports the constants of the block, and reads other names from a global object. */
function toModule(block: string, known: readonly string[]): string {
  const own = Array.from(block.matchAll(/^const (\w+)/gm), ([, name = '']) => name)
  const imported = Array.from(
    block.matchAll(/^import \{ (.*) \}|^import (\w+)/gm),
    ([, list = '', name = '']) => `${list} ${name}`,
  )
  const open = known.filter((name) => !own.includes(name) && !imported.some((text) => text.split(/\W+/).includes(name)))
  return `const { ${open.join(', ')} } = globalThis.readme\n${block}\nexport { ${own.join(', ')} }\n`
}
