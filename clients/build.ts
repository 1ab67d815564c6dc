/**
 * Builds each package for publication: `clients/<name>/dist` contains JavaScript, types, README, licence, and a
 * package.json with paths in that folder. `npm pack ./clients/<name>/dist` packs it. Development needs no build,
 * because sources run as they are.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const clients = fileURLToPath(new URL('.', import.meta.url))
const root = join(clients, '..')
/** The packages, each after its dependencies. */
export const PACKAGES = ['core', 'sdk', 'verifier', 'cli'] as const

/** Replaces each path `./src/name.ts` of a package.json with the paths of the built files. */
function toBuilt(value: unknown, key = ''): unknown {
  if (typeof value === 'string' && value.startsWith('./src/')) {
    const path = value.replace('./src/', './').replace(/\.ts$/, '')
    return key === 'bin' ? path : { types: `${path}.d.ts`, default: `${path}.js` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, toBuilt(entry, key || name)]))
}

function toPublished(source: Record<string, unknown>): object {
  const { exports, imports, bin, ...rest } = source
  return {
    ...rest,
    ...(exports === undefined ? {} : { exports: toBuilt(exports, 'exports') }),
    ...(imports === undefined ? {} : { imports: toBuilt(imports, 'imports') }),
    ...(bin === undefined ? {} : { bin: toBuilt(bin, 'bin') }),
  }
}

/** Builds all packages into `target(name)`. Throws with the compiler's messages. */
export function buildClients(target = (name: string) => join(clients, name, 'dist')): void {
  const out = mkdtempSync(join(tmpdir(), 'auth4agent-build-'))
  try {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const project = join(clients, 'tsconfig.build.json')
    const result = spawnSync(process.execPath, [compiler, '--project', project, '--outDir', out], { encoding: 'utf8' })
    if (result.status !== 0) throw new Error(`The clients do not compile:\n${result.stdout}${result.stderr}`)
    for (const name of PACKAGES) publishable(join(clients, name), join(out, name, 'src'), target(name))
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

function publishable(source: string, compiled: string, dist: string): void {
  rmSync(dist, { recursive: true, force: true })
  cpSync(compiled, dist, { recursive: true })
  copyCommonJs(join(source, 'src'), dist)
  const manifest = toPublished(JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')))
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  cpSync(join(root, 'LICENSE'), join(dist, 'LICENSE'))
  const readme = join(source, 'README.md')
  if (existsSync(readme)) cpSync(readme, join(dist, 'README.md'))
}

/**
 * Copies .cjs files, which must run on every Node and are not compiled. Changes their imports to the compiled files.
 */
function copyCommonJs(source: string, dist: string): void {
  for (const name of readdirSync(source)) {
    if (!name.endsWith('.cjs')) continue
    const text = readFileSync(join(source, name), 'utf8').replaceAll(/(require\('\.\/[\w-]+)\.ts'\)/g, "$1.js')")
    writeFileSync(join(dist, name), text, { mode: 0o755 })
  }
}

if (import.meta.main) buildClients()
