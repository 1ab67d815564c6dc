import { cpus } from 'node:os'
import { expect, it } from 'vitest'
import { ALL_CORES, LOAD_CORE, pinned, SERVER_CORE } from './machine.ts'

it.each([
  ['one core', SERVER_CORE, '0'],
  ['the other', LOAD_CORE, '1'],
  // Without a list of cores, the program would run only on the core of the benchmark itself.
  ['all cores', ALL_CORES, `0-${cpus().length - 1}`],
])('pinned returns a taskset command for %s', (_, core, list) => {
  expect(pinned({ pins: true }, core, ['node', 'server.ts'])).toEqual(['taskset', ['-c', list, 'node', 'server.ts']])
})

it('pinned returns the plain command if programs cannot be pinned', () => {
  expect(pinned({ pins: false }, SERVER_CORE, ['node', 'server.ts'])).toEqual(['node', ['server.ts']])
})
