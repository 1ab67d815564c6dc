import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '..')
const PRINT_CACHE = `import { getCompileCacheDir } from 'node:module'
const folder: string | undefined = getCompileCacheDir()
process.stdout.write(JSON.stringify([folder ?? null, ...process.argv.slice(2)]))`

const manifest = (node: string) => JSON.stringify({ type: 'module', engines: { node } })

let checkout: string
let cache: string
let program: string

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'a4a-start-'))
  cache = join(checkout, 'node_modules', '.auth4agent-compile-cache')
  mkdirSync(join(checkout, 'services'))
  mkdirSync(join(checkout, 'node_modules'))
  program = join(checkout, 'services', 'start.mjs')
  cpSync(join(project, 'services', 'start.mjs'), program)
  cpSync(join(project, 'services', 'process', 'node-version.mjs'), join(checkout, 'services/process/node-version.mjs'))
  writeFileSync(join(checkout, 'package.json'), manifest('>=24.19.0'))
  writeFileSync(join(checkout, 'services', 'main.ts'), PRINT_CACHE)
})

afterEach(() => rmSync(checkout, { recursive: true }))

/** Runs start.mjs as user 4711, with a cache folder of `owner`, and returns the JSON that it prints. */
function start(owner = 4711): unknown {
  const prelude = `import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const { lstatSync } = fs
    process.getuid = () => 4711
    fs.lstatSync = (...args) => {
      const found = lstatSync(...args)
      return found && Object.assign(found, { uid: ${owner} })
    }
    syncBuiltinESMExports()`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(prelude)}`, program, 'authn']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} })
  expect({ status, stderr }).toStrictEqual({ status: 0, stderr: '' })
  return JSON.parse(stdout)
}

function make(mode: number): void {
  mkdirSync(cache)
  chmodSync(cache, mode)
}

const NONE = [null, 'authn']
const USED = [expect.stringContaining('.auth4agent-compile-cache'), 'authn']

it('start.mjs creates a cache folder only for its own user and uses it at every start', () => {
  expect(start()).toStrictEqual(USED)
  expect(lstatSync(cache).mode & 0o777).toBe(0o700)
  expect(start()).toStrictEqual(USED)
})

it('start.mjs says which Node it needs, on a Node that is too old', () => {
  writeFileSync(join(checkout, 'package.json'), manifest('>=99.1.0'))
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8', env: {} })
  expect({ status, stdout }).toStrictEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^Auth4Agent needs Node 99\.1\.0 or newer, but this is Node /)
})

const ROOT = 0
const OTHER_USER = 4712

it.each<[string, () => void, number | undefined, unknown]>([
  [
    'without a cache when the folder cannot be created',
    () => rmSync(join(checkout, 'node_modules'), { recursive: true }),
    undefined,
    NONE,
  ],
  ['without a cache when the folder is a file', () => writeFileSync(cache, '', { mode: 0o600 }), undefined, NONE],
  [
    'without a cache when the folder is a symbolic link',
    () => symlinkSync(mkdtempSync(join(checkout, 'elsewhere-')), cache),
    undefined,
    NONE,
  ],
  ['without a cache when its own folder is open to the group', () => make(0o750), undefined, NONE],
  ['without a cache when its own folder is open to everybody', () => make(0o701), undefined, NONE],
  ['without a cache when the folder belongs to another user', () => make(0o700), OTHER_USER, NONE],
  ['with the cache when the folder belongs to root and is read-only for others', () => make(0o755), ROOT, USED],
  ["without a cache when root's folder is writable for the group", () => make(0o775), ROOT, NONE],
  ["without a cache when root's folder is writable for everybody", () => make(0o757), ROOT, NONE],
])('start.mjs starts %s', (_, arrange, owner, expected) => {
  arrange()
  expect(start(owner)).toStrictEqual(expected)
})
