import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const PLACE = join(ROOT, 'node_modules/.cache/auth4agent-statements')

/**
 * Returns the folder for the statements of these sources, and removes those of others. So runs of single files add to
 * what earlier runs have recorded, and nothing outlives a change of the sources.
 */
export async function statementsFolder(): Promise<string> {
  const digest = createHash('sha256')
  for (const path of await sources()) digest.update(`${path}\n${await readFile(join(ROOT, path), 'utf8')}\n`)
  const name = digest.digest('hex').slice(0, 16)
  await mkdir(join(PLACE, name), { recursive: true })
  const others = (await readdir(PLACE)).filter((each) => each !== name)
  await Promise.all(others.map((each) => rm(join(PLACE, each), { recursive: true, force: true })))
  return join(PLACE, name)
}

/** Returns the paths of the server's sources without tests, from the checkout. */
async function sources(): Promise<readonly string[]> {
  const entries = await readdir(join(ROOT, 'services'), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .toSorted()
}
