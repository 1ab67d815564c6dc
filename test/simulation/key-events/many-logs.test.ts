import { it } from 'vitest'
import { agree, expectVariety } from './agree.ts'

const LOGS = 100_000
const MINUTES = 60_000

it(`a naive replayer and replayKeyEvents agree on ${LOGS} random logs`, { timeout: 20 * MINUTES }, () => {
  expectVariety(agree(LOGS), LOGS)
})
