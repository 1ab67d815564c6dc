import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const FOLDER = join(import.meta.dirname, '../../../services/revocation')

/** A replacement in a source file. The file must contain `from` exactly once. */
export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Imports a module of services/revocation with an edit. The edit may also be in a module that this module imports. */
export async function importMutated(entry: string, edit: Edit): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'mutant-'))
  try {
    for (const file of new Set([entry, edit.file])) {
      const source = await readFile(join(FOLDER, file), 'utf8')
      const text = file === edit.file ? replaceOnce(source, edit) : source
      await writeFile(join(folder, file), withAbsoluteImports(text, edit.file))
    }
    return await import(pathToFileURL(join(folder, entry)).href)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Applies an edit to the text of its file. */
export function replaceOnce(source: string, { file, from, to }: Edit): string {
  const [before, after, ...more] = source.split(from)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} must contain this text exactly once: ${from}`)
  return before + to + after
}

/** Makes imports absolute, so that everything except the edited file is the real code. */
function withAbsoluteImports(text: string, edited: string): string {
  return text.replaceAll(/ from '(\.[^']*)'/g, (whole, path: string) =>
    path === `./${edited}` ? whole : ` from '${new URL(path, pathToFileURL(`${FOLDER}/`)).href}'`,
  )
}
