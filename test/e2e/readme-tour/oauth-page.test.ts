import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { installAuthlib, PYTHON } from '../../support/python.ts'
import { blocks, startTour, type Tour } from './tour.ts'

const NODE_MODULES = join(import.meta.dirname, '../../../node_modules')
const run = promisify(execFile)

let tour: Tour
beforeAll(async () => {
  await installAuthlib()
  tour = await startTour()
})
afterAll(() => tour?.stop())

describe('docs/oauth.md', () => {
  it('1. has commands that register an agent and export its key', async () => {
    const output = await tour.paste((await blocks('docs/oauth.md', 'sh')).join('\n'))
    expect(output).toMatch(/^agent registered[^]+status: active[^]+^private key exported$/m)
  })

  it('2. has a program that does with stock libraries everything that the page explains', async () => {
    const [api, mcp] = [await freePort(), await freePort()]
    const text = tour
      .adapt((await blocks('docs/oauth.md', 'ts')).join('\n'))
      .replaceAll('3000', String(api))
      .replaceAll('3001', String(mcp))
    const folder = join(tour.folder, 'my-agent')
    await symlink(NODE_MODULES, join(folder, 'node_modules'))
    await writeFile(join(folder, 'program.mts'), `${text}\nprocess.exit(0)\n`)
    const { stdout } = await run(process.execPath, ['program.mts'], { cwd: folder })
    const agent = expect.stringMatching(/"did:agent:shop\.test:[0-9a-f]{32}"/)
    expect(stdout.trim().split('\n')).toEqual([
      'active: true orders:read',
      'active: false',
      'trusted: true',
      expect.stringMatching(/^dpop \{ agent: 'did:agent:shop\.test:[0-9a-f]{32}' \}$/),
      agent,
    ])
  })

  it('3. has a Python program that gets a token with Authlib', async () => {
    const [text = ''] = await blocks('docs/oauth.md', 'python')
    const program = `${tour.adapt(text)}\nprint(token["token_type"], token["scope"])\n`
    const { stdout } = await run(PYTHON, ['-c', program], { cwd: join(tour.folder, 'my-agent') })
    expect(stdout).toBe('Bearer orders:read\n')
  })
})
