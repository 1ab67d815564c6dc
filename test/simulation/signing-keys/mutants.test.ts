import { expect, it } from 'vitest'
import { MUTANTS } from './mutants.ts'
import { search } from './search.ts'

const RUNS = Number(process.env['AUTH4AGENT_KEY_SIMULATION_RUNS'] ?? 50)

it.each(MUTANTS)('the simulation finds a broken rule of the key schedule: $what', ({ shows, parts }) => {
  const broken = search(parts, RUNS, ({ violations }) => violations.some((violation) => violation.includes(shows)))
  expect(broken, `None of ${RUNS} runs shows it`).toBeDefined()
})
