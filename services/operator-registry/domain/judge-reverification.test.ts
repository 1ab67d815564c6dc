import { describe, expect, test } from 'vitest'
import type { ProofVerdict } from './judge-proof.ts'
import { hasFailedTooOften, judgeReverification, nextProofDelay } from './judge-reverification.ts'

const threshold = 3

function run(verdict: ProofVerdict, times: number): { failedProofs: number; lapsedAfter: number | undefined } {
  let failedProofs = 0
  for (let time = 1; time <= times; time++) {
    const result = judgeReverification({ status: 'active', failedProofs, verdict, threshold })
    failedProofs = result.failedProofs
    if (result.becomes === 'lapsed') return { failedProofs, lapsedAfter: time }
  }
  return { failedProofs, lapsedAfter: undefined }
}

function soon(verdict: ProofVerdict): boolean {
  return judgeReverification({ status: 'active', failedProofs: 0, verdict, threshold }).soon
}

describe('an active operator', () => {
  test.each<[ProofVerdict, number | undefined]>([
    ['not-found', 3],
    ['mismatch', 3],
    ['incumbent-present', 3],
    ['unavailable', 24],
    ['contested', undefined],
    ['proven', undefined],
  ])('with %s every time lapses after %s', (verdict, after) => {
    expect(run(verdict, 100).lapsedAfter).toBe(after)
  })

  test('has its failures forgotten by one proof that holds', () => {
    expect(judgeReverification({ status: 'active', failedProofs: 17, verdict: 'proven', threshold })).toEqual({
      failedProofs: 0,
      becomes: undefined,
      soon: false,
    })
  })

  test('is asked again sooner after a clear no alone', () => {
    expect([soon('not-found'), soon('mismatch'), soon('unavailable'), soon('contested')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

test('a lapsed operator is active again with the next proof, and does not lapse twice', () => {
  const lapsed = { status: 'lapsed', failedProofs: 24, threshold } as const
  expect(judgeReverification({ ...lapsed, verdict: 'proven' })).toMatchObject({ becomes: 'active', failedProofs: 0 })
  expect(judgeReverification({ ...lapsed, verdict: 'not-found' })).toMatchObject({
    becomes: undefined,
    failedProofs: 24,
  })
  expect(judgeReverification({ ...lapsed, verdict: 'contested' })).toMatchObject({
    becomes: undefined,
    failedProofs: 24,
  })
})

test('a suspended operator keeps its status, and its failures count', () => {
  const suspended = { status: 'suspended', failedProofs: 16, threshold } as const
  const failed = judgeReverification({ ...suspended, verdict: 'not-found' })
  expect(failed.becomes).toBeUndefined()
  expect(hasFailedTooOften(failed.failedProofs, threshold)).toBe(true)
  expect(judgeReverification({ ...suspended, verdict: 'proven' })).toMatchObject({
    becomes: undefined,
    failedProofs: 0,
  })
})

test.each([
  ['earliest', 1000, false, 0, 900],
  ['middle', 1000, false, 0.5, 1000],
  ['sooner', 1000, true, 0.5, 250],
] as const)('the next proof, %s', (_, interval, soon, random, delay) => {
  expect(nextProofDelay(interval, soon, random)).toBe(delay)
})
