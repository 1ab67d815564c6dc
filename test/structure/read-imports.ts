import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { parseSync } from 'oxc-parser'

const ROOT = join(import.meta.dirname, '../..')
/** The packages of this repository, whose modules have the names of their files. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@auth4agent/core/': 'clients/core/src/',
  '@auth4agent/sdk/': 'clients/sdk/src/',
}

/** What each file of the product imports, types included. Paths are from the checkout. */
export function readImports(): ReadonlyMap<string, readonly string[]> {
  const paths = globSync('{services,clients/*/src}/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'))
  const known = new Set(paths)
  return new Map(paths.map((path) => [path, targetsOf(path).filter((target) => known.has(target))]))
}

function targetsOf(path: string): readonly string[] {
  const { staticImports, staticExports } = parseSync(path, readFileSync(join(ROOT, path), 'utf8')).module
  const exported = staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? []))
  const names = [...staticImports.map(({ moduleRequest }) => moduleRequest.value), ...exported]
  return [...new Set(names.map((name) => fileOf(path, name)))]
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
