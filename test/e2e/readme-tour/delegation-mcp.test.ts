import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { typeCheck } from '../../support/documents/type-check.ts'
import { freePort } from '../../support/free-port.ts'
import { blocks, startTour, type Tour } from './tour.ts'

const NODE_MODULES = join(import.meta.dirname, '../../../node_modules')
const run = promisify(execFile)

let tour: Tour
beforeAll(async () => {
  tour = await startTour()
})
afterAll(() => tour?.stop())

it('docs/delegation.md has a program that calls a tool of an MCP server with a chain', async () => {
  const program = (await blocks('docs/delegation.md', 'ts mcp')).join('\n')
  expect(await typeCheck(program)).toBe('')
  const text = tour.adapt(program).replaceAll('3001', String(await freePort()))
  await symlink(NODE_MODULES, join(tour.folder, 'node_modules'))
  await writeFile(join(tour.folder, 'program.mts'), `${text}\nprocess.exit(0)\n`)
  const { stdout } = await run(process.execPath, ['program.mts'], { cwd: tour.folder })
  const [paid = '', refused = '', ...more] = stdout.trim().split('\n')
  expect(JSON.parse(paid)).toEqual([
    { type: 'text', text: expect.stringMatching(/^did:agent:acme\.test:[0-9a-f]{32} pays 99$/) },
  ])
  expect(refused).toContain('"reason":"ARGUMENT_REFUSED"')
  expect(more).toEqual([])
})
