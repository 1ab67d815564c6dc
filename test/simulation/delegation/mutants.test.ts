import { expect, it } from 'vitest'
import { wrongAnswers } from '../../support/delegation/check-tables.ts'
import { CORE } from '../../support/delegation/library.ts'
import { findViolation } from './check-chains.ts'
import { MUTANTS } from './mutants.ts'
import { importMutatedCore } from './mutated-core.ts'

const CHAINS = 40_000

it('core answers every case of the tables rightly', () => {
  expect(wrongAnswers(CORE)).toEqual([])
})

it.each(MUTANTS)('the tables notice in $file: $what', async (mutant) => {
  const wrong = wrongAnswers(await importMutatedCore(mutant))
  expect(wrong.length, 'wrong answers').toBeGreaterThan(0)
})

it.each(MUTANTS.filter(({ unseen }) => unseen === undefined))(
  'random chains notice in $file: $what',
  async (mutant) => {
    const violation = findViolation(await importMutatedCore(mutant), CHAINS)
    if (violation === undefined) throw new Error(`None of ${CHAINS} chains shows it`)
  },
)
