import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Library } from '../../support/delegation/library.ts'
import { type Edit, replaceOnce } from '../revocation/mutated-source.ts'

const CORE = join(import.meta.dirname, '../../../clients/core/src')
/** The rules and all that they import. */
const FOLDERS = ['delegation', 'encoding', 'token']
const ENTRIES = ['order.ts', 'permits.ts', 'call-arguments.ts', 'parse-capabilities.ts']

/** Imports the rules of delegation from a copy of core with an edit. `edit.file` is a path in clients/core/src. */
export async function importMutatedCore(edit: Edit): Promise<Library> {
  const copy = await mkdtemp(join(tmpdir(), 'mutant-'))
  try {
    for (const folder of FOLDERS) await cp(join(CORE, folder), join(copy, folder), { recursive: true })
    await writeFile(join(copy, edit.file), replaceOnce(await readFile(join(copy, edit.file), 'utf8'), edit))
    const modules: unknown[] = []
    for (const entry of ENTRIES) modules.push(await import(pathToFileURL(join(copy, 'delegation', entry)).href))
    return Object.assign({}, ...modules) as Library
  } finally {
    await rm(copy, { recursive: true })
  }
}
