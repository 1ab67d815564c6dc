import { describe, expect, it } from 'vitest'
import { countCrashes, restartPauseMs } from './restart-pause.ts'

describe('countCrashes', () => {
  it.each([
    ['counts the first crash', 0, 10, 1],
    ['adds a crash of a worker that lived less than a minute', 3, 59_999, 4],
    ['starts again at 1 when the worker has lived for a minute', 3, 60_000, 1],
  ])('%s', (_name, before, livedMs, expected) => {
    expect(countCrashes(before, livedMs)).toBe(expected)
  })
})

describe('restartPauseMs', () => {
  it.each([
    [1, 100],
    [2, 200],
    [5, 1_600],
    [9, 25_600],
    [10, 30_000],
    [5_000, 30_000],
  ])('returns, after %i crashes in a row, a pause of %i ms', (crashes, expected) => {
    expect(restartPauseMs(crashes)).toBe(expected)
  })
})
