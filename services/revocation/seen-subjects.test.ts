import { expect, it } from 'vitest'
import { createSeenSubjects } from './seen-subjects.ts'

const token = (sub: string, agentEpoch = 1, operatorEpoch = 1) => ({
  jti: 'jti',
  operatorId: 'operator',
  sub,
  agentEpoch,
  operatorEpoch,
  kid: 'kid',
})

it('createSeenSubjects remembers an agent only at the epochs that were confirmed', () => {
  const seen = createSeenSubjects()
  seen.add('first', token('a', 2, 3))
  expect(seen.has('first', token('a', 2, 3))).toBe(true)
  for (const other of [token('a', 1, 3), token('a', 3, 3), token('a', 2, 4), token('b', 2, 3)]) {
    expect(seen.has('first', other)).toBe(false)
  }
})

it('createSeenSubjects forgets everything in a new incarnation, and remembers nothing without one', () => {
  const seen = createSeenSubjects()
  seen.add('first', token('a'))
  expect(seen.has('second', token('a'))).toBe(false)
  seen.add('second', token('b'))
  expect(seen.has('first', token('a'))).toBe(false)
  expect(seen.has('second', token('a'))).toBe(false)
  seen.add(undefined, token('c'))
  expect(seen.has(undefined, token('c'))).toBe(false)
})

it('createSeenSubjects forgets the agent that was confirmed longest ago when it is full', () => {
  const seen = createSeenSubjects(2)
  for (const sub of ['a', 'b', 'a', 'c']) seen.add('first', token(sub))
  expect(['a', 'b', 'c'].map((sub) => seen.has('first', token(sub)))).toEqual([true, false, true])
})
