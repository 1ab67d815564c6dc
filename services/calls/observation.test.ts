import { expect, it } from 'vitest'
import { ApiError } from '../platform/errors/api-error.ts'
import { observe } from './observation.ts'

/** Returns the levels of the log lines about a failed call. */
function levelsOf(thrown: unknown): string[] {
  const levels: string[] = []
  const at = (level: string) => () => void levels.push(level)
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const deps = { log, metrics: { observe: () => undefined } }
  observe(deps, undefined, { requestId: 'r', source: '192.0.2.1' }).failed(thrown)
  return levels
}

it.each<[string, unknown, string[]]>([
  ['a defect', new Error('defect'), ['error']],
  [
    'a database that does not answer',
    new ApiError('UNAVAILABLE', undefined, { cause: new Error('refused') }),
    ['error'],
  ],
  ['a key of the server that is missing', new ApiError('UNAVAILABLE', 'No key is active yet'), ['error']],
  [
    "another server's silence",
    new ApiError('UNAVAILABLE', 'The keys cannot be fetched now', { isFault: false }),
    ['warn'],
  ],
  ['a status list of an earlier time, which the server never has', new ApiError('STATUS_HISTORY_UNAVAILABLE'), []],
  ['overload', new ApiError('OVERLOADED'), []],
  ['a bad request', new ApiError('INVALID_ARGUMENT'), []],
])('observe logs %s at the right level', (_name, thrown, levels) => {
  expect(levelsOf(thrown)).toEqual(levels)
})
