import { expect, it } from 'vitest'
import { MUTANTS } from './mutants.ts'
import { REAL } from './parts.ts'
import { run, wrongAnswers } from './run.ts'

const SCHEDULES = 1_000
const TIMEOUT_MS = 10 * 60_000

it('a foreign log keeps every promise in all schedules of the mutants', { timeout: TIMEOUT_MS }, async () => {
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const ended = await run(seed, REAL)
    expect(wrongAnswers(ended), `seed ${seed}: ${ended.faults.join(', ')}`).toEqual([])
  }
})

it.each(MUTANTS)('an ended token is accepted if $what', { timeout: TIMEOUT_MS }, async ({ parts, what }) => {
  const mutated = await parts()
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const [first] = wrongAnswers(await run(seed, mutated))
    if (first === undefined) continue
    process.stdout.write(`${what}: seed ${seed}: ${first.wrong}\n`)
    return
  }
  throw new Error(`None of ${SCHEDULES} schedules shows it`)
})
