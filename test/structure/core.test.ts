import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const CORE = 'clients/core/src/'
/** The programs that share core. */
const PROGRAMS = ['services', 'clients/sdk', 'clients/verifier', 'clients/cli'] as const
/** Modules of core that one program imports, and why they are there. */
const OFFERED = new Map([
  ['identity/signed-request', 'the README of the SDK offers it to programs that read the audit'],
  ['identity/signed-message', 'identity/signed-request needs it'],
])

/** Lists the source files of a folder, without tests. */
function sourcesOf(folder: string): readonly string[] {
  return globSync(`${folder}/**/*.ts`, { cwd: ROOT }).filter((path) => !/\.test\.ts$|node_modules|\/dist\//.test(path))
}

/** Lists the modules of core that a file imports. */
function importsOf(file: string): readonly string[] {
  const code = readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*\*[^]*?\*\//g, '')
  return [...code.matchAll(/(?:from\s+|import\()'([^']+)'/g)].flatMap(([, from = '']) => {
    if (from.startsWith('@auth4agent/core/')) return [from.slice('@auth4agent/core/'.length)]
    const path = normalize(join(dirname(file), from))
    return path.startsWith(CORE) ? [path.slice(CORE.length, -'.ts'.length)] : []
  })
}

/** Returns the programs that reach each module of core, also through other modules. */
function programsByModule(): ReadonlyMap<string, ReadonlySet<string>> {
  const inner = new Map(sourcesOf(CORE).map((file) => [file.slice(CORE.length, -'.ts'.length), importsOf(file)]))
  const reached = new Map([...inner.keys()].map((name) => [name, new Set<string>()]))
  const visit = (name: string, program: string): void => {
    const programs = reached.get(name)
    if (programs === undefined || programs.has(program)) return
    programs.add(program)
    for (const next of inner.get(name) ?? []) visit(next, program)
  }
  for (const program of PROGRAMS) {
    for (const file of sourcesOf(program)) for (const name of importsOf(file)) visit(name, program)
  }
  return reached
}

it('core has only modules that two of the server, the SDK, the verifier and the command line tool need', () => {
  const reached = programsByModule()
  expect(reached.size).toBeGreaterThan(100)
  const lonely = [...reached].filter(([, programs]) => programs.size < 2)
  const told = Object.fromEntries(lonely.map(([name, programs]) => [name, [...programs]]))
  expect(told).toEqual(Object.fromEntries([...OFFERED.keys()].map((name) => [name, ['clients/cli']])))
})

it('core imports no file of the server and of another package', () => {
  for (const file of sourcesOf(CORE)) {
    const code = readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*\*[^]*?\*\//g, '')
    for (const [, from = ''] of code.matchAll(/(?:from\s+|import\()'(\.[^']+)'/g)) {
      expect(normalize(join(dirname(file), from)), file).toMatch(/^clients\/core\/src\//)
    }
  }
})
