import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => (existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '')

const MAP = read('services/README.md')
/** The folders of the server, without the part `services/`. */
const FOLDERS = [...new Set(globSync('services/**/*.ts', { cwd: ROOT }).flatMap((path) => foldersOf(path)))].toSorted()

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1)
  return parts.map((_part, at) => parts.slice(0, at + 1).join('/'))
}

/** Tells whether a map above a folder names it, by its path or in the line of the folder above it. */
function isNamed(folder: string): boolean {
  if (['domain', 'vectors'].includes(basename(folder)) || read(`services/${folder}/README.md`) !== '') return true
  const parts = folder.split('/')
  return parts.some((_part, at) => {
    const map = read(join('services', ...parts.slice(0, at), 'README.md')).split('\n')
    const rest = parts.slice(at)
    const above = `\`${rest.slice(0, -1).join('/')}/\``
    return map.some(
      (line) =>
        line.includes(`\`${rest.join('/')}/\``) || (line.includes(above) && line.includes(`\`${rest.at(-1)}/\``)),
    )
  })
}

it('services/README.md, or a README below it, names every folder', () => {
  expect(FOLDERS.length).toBeGreaterThan(80)
  expect(FOLDERS.filter((folder) => !isNamed(folder))).toEqual([])
})

it('docs/architecture.md names every room, and both maps name none that is gone', () => {
  const architecture = read('docs/architecture.md')
  const rooms = FOLDERS.filter((folder) => !folder.includes('/'))
  expect(rooms.filter((room) => !architecture.includes(`${room}/`))).toEqual([])
  const named = [...MAP.matchAll(/`([a-z\d-]+(?:\/[a-z\d-]+)+)\/`/g)].map(([, folder = '']) => folder)
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((folder) => !FOLDERS.includes(folder))).toEqual([])
})

const isThere = (path: string) => ['services', ''].some((root) => existsSync(join(ROOT, root, path)))

it('the rules in services/README.md are in files that exist', () => {
  const table = MAP.slice(MAP.indexOf('## Where a rule is'), MAP.indexOf('## Inside the rooms'))
  const lines = table
    .split('\n')
    .map((line) => [...line.matchAll(/`([\w./-]+\/[\w./-]+)`/g)].map(([, path = '']) => path))
  const paths = lines.flat()
  expect(paths.length).toBeGreaterThan(50)
  expect(paths.filter((path) => !isThere(path))).toEqual([])
})
