import { execFile } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { blocks, startTour, type Tour } from './tour.ts'

const NODE_MODULES = join(import.meta.dirname, '../../../node_modules')
const run = promisify(execFile)

let tour: Tour
beforeAll(async () => {
  tour = await startTour()
})
afterAll(() => tour?.stop())

it('docs/identity.md has a program that does everything that the page explains', async () => {
  const text = tour.adapt((await blocks('docs/identity.md', 'ts')).join('\n'))
  await symlink(NODE_MODULES, join(tour.folder, 'node_modules'))
  await writeFile(join(tour.folder, 'program.mts'), text)
  const { stdout } = await run(process.execPath, ['program.mts'], { cwd: tour.folder })
  expect(stdout.trim().split('\n')).toEqual([
    'rotated 2',
    'added string',
    'recovery true',
    'replayed 3 0 true',
    'shorter false',
    'ended true',
  ])
})
