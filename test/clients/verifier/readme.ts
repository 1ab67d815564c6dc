import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const README = join(import.meta.dirname, '../../../clients/verifier/README.md')

/**
 * Runs the TypeScript of the verifier's README, all blocks one after the other in one module, in which the names that it leaves open have
 * these values. Resolves with what the module has of its own.
 */
export async function runReadme(values: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readFile(README, 'utf8')).replaceAll('https://auth.example.com', String(values['issuer']))
  const blocks = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, block = '']) => block)
  if (blocks.length < 8) throw new Error('the README has lost examples')
  const folder = await mkdtemp(join(import.meta.dirname, '.readme-'))
  try {
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

/** What a block declares it exports; what it does not declare it has from the ones before. */
function toModule(block: string, known: readonly string[]): string {
  const own = Array.from(block.matchAll(/^const (\w+)/gm), ([, name = '']) => name)
  const imported = Array.from(
    block.matchAll(/^import \{ (.*) \}|^import (\w+)/gm),
    ([, list = '', name = '']) => `${list} ${name}`,
  )
  const open = known.filter((name) => !own.includes(name) && !imported.some((text) => text.split(/\W+/).includes(name)))
  return `const { ${open.join(', ')} } = globalThis.readme\n${block}\nexport { ${own.join(', ')} }\n`
}
