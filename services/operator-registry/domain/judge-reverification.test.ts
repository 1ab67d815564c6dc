import { describe, expect, test } from 'vitest'
import type { ProofVerdict } from '../../platform/dns/judge-proof.ts'
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

describe('judgeReverification of an active operator', () => {
  test.each<[ProofVerdict, number | undefined]>([
    ['not-found', 3],
    ['mismatch', 3],
    ['incumbent-present', 3],
    ['unavailable', 24],
    ['contested', undefined],
    ['proven', undefined],
  ])('with the verdict %s each time makes the operator lapse after %s proofs', (verdict, after) => {
    expect(run(verdict, 100).lapsedAfter).toBe(after)
  })

  test('that is frozen makes it lapse as late as one without an answer', () => {
    let failedProofs = 0
    for (let time = 1; ; time++) {
      const given = { status: 'active', failedProofs, verdict: 'mismatch', threshold, namesForeignKey: true } as const
      const { becomes, soon, ...rest } = judgeReverification(given)
      expect(soon).toBe(false)
      failedProofs = rest.failedProofs
      if (becomes === 'lapsed') return expect(time).toBe(24)
    }
  })

  test('resets the failures after one successful proof', () => {
    expect(judgeReverification({ status: 'active', failedProofs: 17, verdict: 'proven', threshold })).toEqual({
      failedProofs: 0,
      becomes: undefined,
      soon: false,
    })
  })

  test('schedules the next proof sooner only after a clear failure', () => {
    expect([soon('not-found'), soon('mismatch'), soon('unavailable'), soon('contested')]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})

test('judgeReverification makes a lapsed operator active after the next successful proof, and never lapse twice', () => {
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

test('judgeReverification keeps the status of a suspended operator and counts its failures', () => {
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
] as const)('nextProofDelay returns the %s time', (_, interval, soon, random, delay) => {
  expect(nextProofDelay(interval, soon, random)).toBe(delay)
})
