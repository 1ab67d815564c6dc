import type { Constraint } from '@auth4agent/core/delegation/constraint'
import { isNarrower } from '@auth4agent/core/delegation/order'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../revocation/random.ts'
import { drawConstraint, drawNear } from './draw-constraints.ts'
import { naivePermits } from './naive-evaluator.ts'
import { SCALARS, STRANGE } from './values.ts'

const CONSTRAINTS = 500
const CAPABILITY = 'a.test#pay'
const random = createRandom(1)
const constraints = Array.from({ length: CONSTRAINTS }, () => drawConstraint(random))
const values = [...SCALARS, ...STRANGE, ...constraints.map((constraint) => drawNear(random, constraint))]

/** The values that each constraint admits, by their places in the list. */
const admitted = new Map(constraints.map((constraint) => [constraint, placesOf(constraint)]))

function placesOf(constraint: Constraint): ReadonlySet<number> {
  const permitted = values.map((a) => naivePermits([{ [CAPABILITY]: { a: constraint } }], CAPABILITY, { a }))
  return new Set([...permitted.keys()].filter((place) => permitted[place]))
}

describe(`all pairs of ${CONSTRAINTS} random constraints`, () => {
  const pairs = constraints.flatMap((child) =>
    constraints.filter((parent) => parent !== child && isNarrower(child, parent)).map((parent) => ({ child, parent })),
  )

  it('a narrower constraint admits no value that the wider one refuses', () => {
    const wrong = pairs.filter(({ child, parent }) => {
      const [inner, outer] = [admitted.get(child), admitted.get(parent)]
      return inner === undefined || outer === undefined || !inner.isSubsetOf(outer)
    })
    expect(wrong).toEqual([])
    expect(pairs.length).toBeGreaterThan(CONSTRAINTS)
  })

  it('every constraint is as narrow as itself', () => {
    expect(constraints.filter((constraint) => !isNarrower(constraint, constraint))).toEqual([])
  })

  it('a constraint that is narrower than a narrower one is narrower', () => {
    const wider = Map.groupBy(pairs, ({ child }) => child)
    const wrong = pairs.flatMap(({ child, parent }) =>
      (wider.get(parent) ?? [])
        .filter(({ parent: root }) => !isNarrower(child, root))
        .map(({ parent: root }) => [child, parent, root]),
    )
    expect(wrong).toEqual([])
  })
})
