import { cpus } from 'node:os'
import { expect, it } from 'vitest'
import { ALL_CORES, LOAD_CORE, pinned, SERVER_CORE } from './machine.ts'

it.each([
  ['one core', SERVER_CORE, '0'],
  ['the other', LOAD_CORE, '1'],
  // Not said, it would be the core that the benchmark holds itself to.
  ['all cores', ALL_CORES, `0-${cpus().length - 1}`],
])('says so where a program has %s', (_, core, list) => {
  expect(pinned({ pins: true }, core, ['node', 'server.ts'])).toEqual(['taskset', ['-c', list, 'node', 'server.ts']])
})

it('says nothing where programs cannot be held', () => {
  expect(pinned({ pins: false }, SERVER_CORE, ['node', 'server.ts'])).toEqual(['node', ['server.ts']])
})
