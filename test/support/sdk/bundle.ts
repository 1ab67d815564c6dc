import { join } from 'node:path'
import { rolldown } from 'rolldown'

/** A file of a bundle. */
interface BundledFile {
  readonly name: string
  readonly code: string
  /** The names of the files that are loaded together with this file. */
  readonly imports: readonly string[]
}

const ENTRY = 'virtual-entry'

/** Bundles a module's text for browsers, minified. The first file is its entry; the others are loaded on demand. */
export async function bundle(text: string): Promise<readonly BundledFile[]> {
  const build = await rolldown({
    input: ENTRY,
    platform: 'browser',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? join(import.meta.dirname, 'entry.ts') : null),
        load: (id) => (id === join(import.meta.dirname, 'entry.ts') ? text : null),
      },
    ],
    onLog(_level, log) {
      throw new Error(`The bundle has a warning: ${log.message}`)
    },
  })
  const { output } = await build.generate({ minify: true, format: 'esm', entryFileNames: 'entry.js' })
  await build.close()
  return output.flatMap((file) =>
    file.type === 'chunk' ? [{ name: file.fileName, code: file.code, imports: file.imports }] : [],
  )
}
