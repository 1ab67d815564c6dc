import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Installed, installPackages } from './installed.ts'

/** Whoever has no other package must be able to use these. */
const MAIN = ['@auth4agent/sdk', '@auth4agent/sdk/node', '@auth4agent/verifier', '@auth4agent/verifier/mcp']
const PEERS = ['@connectrpc/connect', '@grpc/grpc-js', 'express', 'fastify', 'hono']
/** What a tarball may weigh, in bytes: a fifth more than it does. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  '@auth4agent/core': 42_000,
  '@auth4agent/sdk': 50_000,
  '@auth4agent/verifier': 38_000,
  '@auth4agent/cli': 118_000,
}

let installed: Installed
beforeAll(async () => {
  installed = await installPackages()
})
afterAll(() => installed?.[Symbol.asyncDispose]())

/** All that sdk and verifier export, by the names that programs import it by. */
async function entries(): Promise<string[]> {
  const all = []
  for (const name of ['@auth4agent/sdk', '@auth4agent/verifier']) {
    const { exports = {} } = await installed.manifest(name)
    all.push(...Object.keys(exports).map((path) => name + path.slice(1)))
  }
  return all
}

/** The modules of core, each by its name. */
function coreModules(): string[] {
  const core = installed.packed.find(({ name }) => name === '@auth4agent/core')
  return (core?.files ?? []).flatMap(({ path }) =>
    path.endsWith('.js') ? [`@auth4agent/core/${path.slice(0, -'.js'.length)}`] : [],
  )
}

/** Compiles a file that imports all of these, under the strictest rules; declarations are checked, too. Answers the complaints. */
async function compile(modules: readonly string[], options: object): Promise<string> {
  const common = { target: 'es2023', strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true }
  await installed.write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: { ...common, ...options }, files: ['all.ts'] }),
  )
  const imports = modules.map(
    (name, index) => `import * as m${index} from '${name}'\nexport type M${index} = typeof m${index}`,
  )
  await installed.write('all.ts', `${imports.join('\n')}\n`)
  return installed.run('tsc', '--project', '.').catch((error: { stdout: string }) => error.stdout)
}

/** Loads modules in a process of their own; answers how many names each exports. */
async function load(modules: readonly string[]): Promise<number[]> {
  const counts = modules.map((name) => `Object.keys(await import('${name}')).length`)
  await installed.write('load.js', `console.log(JSON.stringify([${counts.join(',')}]))`)
  return JSON.parse(await installed.run('node', 'load.js'))
}

describe('what is published', () => {
  it('has JavaScript, types, README and licence, and no source and no test', () => {
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

  it('is small', () => {
    for (const { name, size } of installed.packed) expect(size, name).toBeLessThan(MOST_BYTES[name] ?? 0)
  })
})

describe('in a project that has nothing else', () => {
  it('can be loaded', async () => {
    expect(
      Math.min(...(await load([...MAIN, ...coreModules().filter((name) => !name.endsWith('-engine'))]))),
    ).toBeGreaterThan(0)
  })

  it('has types on Node, and what is for browsers has them there', async () => {
    await installed.lend('@types/node')
    const node = { types: ['node'], lib: ['es2023'] }
    expect(await compile([...MAIN, ...coreModules()], { ...node, module: 'nodenext' })).toBe('')
    const browser = { types: [], lib: ['es2023', 'dom'], module: 'esnext', moduleResolution: 'bundler' }
    expect(await compile(['@auth4agent/sdk'], browser)).toBe('')
  })

  it('has the tool', async () => {
    expect(await installed.run('auth4agent', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await installed.run('auth4agent', '--help')).toContain('From nothing to a token')
    expect(await installed.run('auth4agent', 'completion', 'bash')).toContain('deployment')
  })
})

describe('in a project that has all it works with', () => {
  it('can be loaded, and has types', async () => {
    await installed.lend(...PEERS, '@types/express')
    const all = await entries()
    expect(all.length).toBeGreaterThan(MAIN.length)
    expect(Math.min(...(await load(all)))).toBeGreaterThan(0)
    expect(await compile(all, { types: ['node'], lib: ['es2023', 'dom'], module: 'nodenext' })).toBe('')
  })
})
