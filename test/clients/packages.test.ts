import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAtLeast } from '@auth4agent/core/platform/node-version'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GOOD_CLAIMS } from '../support/access-tokens.ts'
import { type Installed, installPackages, OLDEST } from './installed.ts'
import { machineNode } from './machine-node.ts'

/** Entry points that must work without any other package. */
const MAIN = [
  '@auth4agent/sdk',
  '@auth4agent/sdk/enrol',
  '@auth4agent/sdk/node',
  '@auth4agent/verifier',
  '@auth4agent/verifier/mcp',
]
const PEERS = ['@connectrpc/connect', '@grpc/grpc-js', 'express', 'fastify', 'hono']
/** The maximum size of each tarball in bytes. A fifth more than its size when this limit was written. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  '@auth4agent/core': 222_000,
  '@auth4agent/sdk': 200_000,
  '@auth4agent/verifier': 110_000,
  '@auth4agent/cli': 310_000,
}

let installed: Installed
beforeAll(async () => {
  installed = await installPackages()
  await installed.lend('@types/node')
})
afterAll(() => installed?.[Symbol.asyncDispose]())

/** Lists all entry points of sdk and verifier, by the names under which programs import them. */
async function entries(): Promise<string[]> {
  const all = []
  for (const name of ['@auth4agent/sdk', '@auth4agent/verifier']) {
    const { exports = {} } = await installed.manifest(name)
    all.push(...Object.keys(exports).map((path) => name + path.slice(1)))
  }
  return all
}

/** Lists the modules that core exports, by the names under which programs import them. */
async function coreModules(): Promise<readonly string[]> {
  const { exports = {} } = await installed.manifest('@auth4agent/core')
  return Object.keys(exports).map((path) => `@auth4agent/core${path.slice(1)}`)
}

type Compiler = readonly [string, ...string[]]

/** Compiles a file that imports all of these modules, with the rules of {@link compileText}. */
async function compile(modules: readonly string[], options: object, compiler?: Compiler): Promise<string> {
  const imports = modules.map(
    (name, index) => `import * as m${index} from '${name}'\nexport type M${index} = typeof m${index}`,
  )
  return compileText(imports.join('\n'), options, 'all.ts', compiler)
}

/** Compiles a file under the strictest rules, and checks declarations too. Returns the compiler's complaints. */
async function compileText(
  text: string,
  options: object,
  file = 'all.ts',
  compiler: Compiler = ['tsc'],
): Promise<string> {
  const common = { target: 'es2023', strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true }
  const config = { compilerOptions: { ...common, ...options }, files: [file] }
  await installed.write('tsconfig.json', JSON.stringify(config))
  await installed.write(file, `${text}\n`)
  return installed.run(...compiler, '--project', '.').catch((error: { stdout: string }) => error.stdout)
}

/** Loads modules in a new process. Returns how many names each module exports. */
async function load(modules: readonly string[]): Promise<number[]> {
  const counts = modules.map((name) => `Object.keys(await import('${name}')).length`)
  await installed.write('load.js', `console.log(JSON.stringify([${counts.join(',')}]))`)
  return JSON.parse(await installed.run('node', 'load.js'))
}

describe('the published packages', () => {
  it('contain JavaScript, types, README and licence, and no source and no test', () => {
    expect(installed.packed.map(({ name }) => name)).toEqual(Object.keys(MOST_BYTES))
    for (const { name, files } of installed.packed) {
      const paths = files.map(({ path }) => path)
      expect(paths, name).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
      const others = paths.filter((path) => !/^(?:LICENSE|README\.md|package\.json)$|\.c?js$|\.d\.ts$/.test(path))
      expect(others, name).toEqual([])
      expect(
        paths.filter((path) => /\btest(?:s|ing)?\b/.test(path)),
        name,
      ).toEqual([])
    }
  })

  it('are small', () => {
    for (const { name, size } of installed.packed) expect(size, name).toBeLessThan(MOST_BYTES[name] ?? 0)
  })
})

describe('a project with only the packages', () => {
  it('can load them', async () => {
    const modules = (await coreModules()).filter((name) => !name.endsWith('-engine'))
    expect(modules.length).toBeGreaterThan(100)
    expect(Math.min(...(await load([...MAIN, ...modules])))).toBeGreaterThan(0)
  })

  it('gets their types on Node and in browsers', async () => {
    const node = { types: ['node'], lib: ['es2023'] }
    expect(await compile([...MAIN, ...(await coreModules())], { ...node, module: 'nodenext' })).toBe('')
    const browser = { types: [], lib: ['es2023', 'dom'], module: 'esnext', moduleResolution: 'bundler' }
    expect(await compile(['@auth4agent/sdk'], browser)).toBe('')
  })

  it('can run the command line tool', async () => {
    expect(await installed.run('auth4agent', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await installed.run('auth4agent', '--help')).toContain('auth4agent NOUN VERB')
    expect(await installed.run('auth4agent', 'completion', 'bash')).toContain('deployment')
  })
})

describe('a project with the packages and all their peers', () => {
  const NODE = { types: ['node'], lib: ['es2023', 'dom'] }
  const OLDEST_TYPESCRIPT = [process.execPath, join(OLDEST, 'typescript/bin/tsc')] as const
  beforeAll(() => installed.lend(...PEERS, '@types/express'))

  it('can load every entry point, and gets its types', async () => {
    const all = await entries()
    expect(all.length).toBeGreaterThan(MAIN.length)
    expect(Math.min(...(await load(all)))).toBeGreaterThan(0)
    expect(await compile(all, { ...NODE, module: 'nodenext' })).toBe('')
  })

  it.each([{ module: 'node16' }, { module: 'esnext', moduleResolution: 'bundler' }])(
    'compiles their types with TypeScript 5.4 and %j',
    async (options) => {
      expect(await installed.run(...OLDEST_TYPESCRIPT, '--version')).toBe('Version 5.4.5\n')
      const old = { ...NODE, target: 'es2022', lib: ['es2022', 'dom'], ...options }
      const complaints = (await compile(await entries(), old, OLDEST_TYPESCRIPT)).split('\n').filter(Boolean)
      // The types of some peers need a newer TypeScript. Complaints about these types have paths outside the project.
      expect(complaints.filter((line) => !line.startsWith('../'))).toEqual([])
    },
  )

  it('gets types that fit Express 4', async () => {
    const paths = { express: [join(OLDEST, '@types/express/index.d.ts')] }
    const program = `import { claimsOf, protect } from '@auth4agent/verifier/express'
      import type { Verifier } from '@auth4agent/verifier'
      import express from 'express'
      declare const verifier: Verifier
      const app = express()
      app.get('/', protect(verifier), (_request, response) => { response.json(claimsOf(response)) })
      app.use(express.query({}))`
    const options = { ...NODE, module: 'nodenext', esModuleInterop: true, paths }
    expect(await compileText(program, options)).toBe('')
    // The program uses something that the types of Express 5 do not have.
    expect(await compileText(program, { ...options, paths: {} })).toContain("'query' does not exist")
  })

  it('can require them from CommonJS and from CommonJS TypeScript', async () => {
    const all = await entries()
    const counts = all.map((name) => `Object.keys(require('${name}')).length`)
    await installed.write('load.cjs', `console.log(JSON.stringify([${counts.join(',')}]))`)
    expect(JSON.parse(await installed.run('node', 'load.cjs'))).toEqual(await load(all))
    expect(JSON.parse(await installed.run(machineNode(), '--no-warnings', 'load.cjs'))).toEqual(await load(all))
    const imports = all.map((name, index) => `import m${index} = require('${name}')\nvoid m${index}`)
    expect(await compileText(imports.join('\n'), { ...NODE, module: 'nodenext' }, 'all.cts')).toBe('')
  })

  it('verifies on the Node of this machine under Express 4 and 5, and refuses forged signatures there', async () => {
    await installed.lendAs('express-4', join(OLDEST, 'express'))
    const program = await readFile(join(import.meta.dirname, 'on-machine-node.mjs'), 'utf8')
    await installed.write('on-machine-node.mjs', program)
    const told = await installed.run(machineNode(), 'on-machine-node.mjs', JSON.stringify(GOOD_CLAIMS))
    const { version, platformAcceptsForged, ...found } = JSON.parse(told)
    expect(isAtLeast(version, '20.19.0'), version).toBe(true)
    expect(platformAcceptsForged).toBe(!isAtLeast(version, '24.19.0'))
    expect(found).toEqual({
      // The key is refused, so the signature is not checked.
      outcomes: { good: 'VALID', forged: 'UNKNOWN_KEY', identity: 'SIGNATURE_INVALID' },
      express4: [401, 200, 500],
      express5: [401, 200, 500],
    })
  })
})

describe('package.json', () => {
  it.each(Object.keys(MOST_BYTES))('of %s names its source', async (name) => {
    const folder = `clients/${name.slice('@auth4agent/'.length)}`
    const manifest = await installed.manifest(name)
    expect(manifest).toMatchObject({ repository: { type: 'git', directory: folder }, license: 'MIT' })
    expect(manifest.homepage).toContain(folder)
    expect(manifest.keywords?.length).toBeGreaterThan(3)
  })
})
