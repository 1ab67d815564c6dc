import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { prefersRefusal } from './refuse-by-status.ts'

describe('prefersRefusal', () => {
  it.each([
    ['status=refuse', true],
    ['STATUS = refuse', true],
    ['status="refuse"', true],
    ['return=minimal, status=refuse; x=y', true],
    [['wait=10', 'status=refuse'], true],
    [undefined, false],
    ['', false],
    ['return=minimal', false],
    ['x="a, status=refuse"', false],
    ['wait=1; status=refuse', false],
    ['statuses=refuse', false],
  ])('for %j returns %j', (prefer, expected) => {
    expect(prefersRefusal(prefer)).toBe(expected)
  })

  it.each(['status', 'status=', 'status=refused', 'status=Refuse', 'status=refuse, status=answer'])(
    'throws INVALID_ARGUMENT for %j, because status must be refuse',
    (prefer) => {
      expect(reasonOf(() => prefersRefusal(prefer))).toBe('INVALID_ARGUMENT')
    },
  )
})
