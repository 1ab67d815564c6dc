import { expect, it } from 'vitest'
import { CORE } from '../../support/delegation/library.ts'
import { expectVariety, findViolation, noneDrawn } from './check-chains.ts'

const CHAINS = 10_000

it(`in ${CHAINS} random chains, a grant that core accepts never permits more than a grant above it`, () => {
  const drawn = noneDrawn()
  expect(findViolation(CORE, CHAINS, drawn)).toBeUndefined()
  expectVariety(drawn, CHAINS)
})
