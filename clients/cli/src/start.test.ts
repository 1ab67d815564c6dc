import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { VERSION } from './version.ts'

const START = join(import.meta.dirname, 'start.cjs')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a4a-start-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs the tool on a Node that reports this version and cannot load other modules. */
async function on(version: string, ...args: readonly string[]) {
  const preload = join(folder, 'preload.cjs')
  await writeFile(
    preload,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })
require('node:module').prototype.require = (name) => process.stdout.write('loads ' + name)`,
  )
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--require', preload, START, ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('the program', () => {
  it.each(['24.18.9', '23.99.0', '20.19.5', '8.17.0', '0.12.18'])(
    'refuses Node %s before it loads another module',
    async (version) => {
      const message = `auth4agent needs Node 24.19.0 or newer, and this is ${version}`
      expect(await on(version, 'whoami')).toEqual({
        status: 70,
        stdout: '',
        stderr: `error: ${message}\nInstall a current Node 24: https://nodejs.org\n`,
      })
      const { status, stdout } = await on(version, 'whoami', '--json')
      expect({ status, ...JSON.parse(stdout) }).toMatchObject({
        status: 70,
        error: { reason: 'NODE_TOO_OLD', message },
      })
    },
  )

  it.each(['24.19.0', '24.20.1', '25.0.0'])('accepts Node %s', async (version) => {
    expect(await on(version)).toMatchObject({ stdout: 'loads ./main.ts' })
  })

  it('runs the commands of the tool', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [START, 'version'], { encoding: 'utf8' })
    expect({ stdout, stderr }).toEqual({ stdout: `${VERSION}\n`, stderr: '' })
  })

  it('needs the same Node as its package.json', async () => {
    expect(await readFile(START, 'utf8')).toContain(`var NEEDED = '${manifest.engines.node.replace('>=', '')}'`)
    expect(manifest.bin.auth4agent).toBe('./src/start.cjs')
  })

  it('starts with a file without syntax newer than ECMAScript 5', async () => {
    const code = (await readFile(START, 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|'[^'\n]*'/g, '')
    expect(code).not.toMatch(
      /=>|`|\?\.|\?\?|\.\.\.|\*\*|\b(?:const|let|class|import|export|async|await|of|yield)\b|,\s*[)\]}]/,
    )
  })
})
