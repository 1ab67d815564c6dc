import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '..')
const SAYS_ITS_CACHE = `import { getCompileCacheDir } from 'node:module'
const folder: string | undefined = getCompileCacheDir()
process.stdout.write(JSON.stringify([folder ?? null, ...process.argv.slice(2)]))`

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
  writeFileSync(join(checkout, 'package.json'), '{"type":"module"}')
  writeFileSync(join(checkout, 'services', 'main.ts'), SAYS_ITS_CACHE)
})

afterEach(() => rmSync(checkout, { recursive: true }))

/** Starts the program as user 4711, to whom what it looks at belongs unless told, and returns what it says. */
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

it('makes a folder for its own user alone, and uses it from then on', () => {
  expect(start()).toStrictEqual(USED)
  expect(lstatSync(cache).mode & 0o777).toBe(0o700)
  expect(start()).toStrictEqual(USED)
})

const ROOT = 0
const SOMEBODY_ELSE = 4712

it.each<[string, () => void, number | undefined, unknown]>([
  ['that cannot be made', () => rmSync(join(checkout, 'node_modules'), { recursive: true }), undefined, NONE],
  ['that is a file', () => writeFileSync(cache, '', { mode: 0o600 }), undefined, NONE],
  ['that leads elsewhere', () => symlinkSync(mkdtempSync(join(checkout, 'elsewhere-')), cache), undefined, NONE],
  ['of its own, open to the group', () => make(0o750), undefined, NONE],
  ['of its own, open to all', () => make(0o701), undefined, NONE],
  ['of somebody else', () => make(0o700), SOMEBODY_ELSE, NONE],
  ['of root, to be read', () => make(0o755), ROOT, USED],
  ['of root, open to the group', () => make(0o775), ROOT, NONE],
  ['of root, open to all', () => make(0o757), ROOT, NONE],
])('starts with a folder %s', (_, arrange, owner, expected) => {
  arrange()
  expect(start(owner)).toStrictEqual(expected)
})
