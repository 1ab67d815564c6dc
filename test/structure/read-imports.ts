import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { parseSync } from 'oxc-parser'

const ROOT = join(import.meta.dirname, '../..')
/** The packages of this repository, whose modules have the names of their files. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@auth4agent/core/': 'clients/core/src/',
  '@auth4agent/sdk/': 'clients/sdk/src/',
}

type Imports = ReadonlyMap<string, readonly string[]>

/** What each file of the product imports, types included. Paths are from the checkout. */
export function readImports(): Imports {
  return importsIn('{services,clients/*/src}/**/*.ts', { isWanted: isProduct })
}

/** What each file of the product loads before it runs: no types, and nothing that it imports later. */
export function readLoads(): Imports {
  return importsIn('{services,clients/*/src}/**/*.ts', { isWanted: isProduct, withTypes: false })
}

/** What each file of the product and of the tests imports, types included. */
export function readAllImports(): Imports {
  return importsIn('{services,test,clients/*/src}/**/*.ts', {})
}

const isProduct = (path: string): boolean => !path.endsWith('.test.ts')

interface Options {
  readonly isWanted?: (path: string) => boolean
  readonly withTypes?: boolean
}

function importsIn(glob: string, { isWanted = () => true, withTypes = true }: Options): Imports {
  const paths = globSync(glob, { cwd: ROOT }).filter(isWanted)
  const known = new Set(paths)
  return new Map(paths.map((path) => [path, targetsOf(path, withTypes).filter((target) => known.has(target))]))
}

function targetsOf(path: string, withTypes: boolean): readonly string[] {
  const { staticImports, staticExports } = parseSync(path, readFileSync(join(ROOT, path), 'utf8')).module
  const imported = staticImports
    .filter(({ entries }) => withTypes || entries.length === 0 || entries.some(({ isType }) => !isType))
    .map(({ moduleRequest }) => moduleRequest.value)
  const exported = staticExports
    .flatMap(({ entries }) => entries)
    .flatMap(({ moduleRequest, isType }) =>
      moduleRequest === null || (isType && !withTypes) ? [] : moduleRequest.value,
    )
  return [...new Set([...imported, ...exported].map((name) => fileOf(path, name)))]
}

function fileOf(path: string, name: string): string {
  if (name.startsWith('.')) return normalize(join(dirname(path), name))
  const found = Object.entries(PACKAGES).find(([prefix]) => name.startsWith(prefix))
  return found === undefined ? name : `${found[1]}${name.slice(found[0].length)}.ts`
}

/** Returns the groups of nodes that reach each other, which have two nodes or more (Tarjan). */
export function circlesOf(edges: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (node: string): number => {
    const own = index.size
    index.set(node, own)
    let lowest = own
    stack.push(node)
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) lowest = Math.min(lowest, visit(next))
      else if (stack.includes(next)) lowest = Math.min(lowest, index.get(next) ?? own)
    }
    low.set(node, lowest)
    if (lowest !== own) return lowest
    const group = stack.splice(stack.indexOf(node))
    if (group.length > 1) circles.push(group.toSorted())
    return lowest
  }
  for (const node of edges.keys()) if (!index.has(node)) visit(node)
  return circles
}

/** Returns the room of a file: a folder of `services/`, or a package. Undefined for a file that is in none. */
export function roomOf(path: string): string | undefined {
  const [base, room, ...rest] = relative('.', path).split('/')
  return rest.length === 0 ? undefined : `${base}/${room}`
}
