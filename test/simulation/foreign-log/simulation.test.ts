import { expect, it } from 'vitest'
import { REAL } from './parts.ts'
import { run, wrongAnswers } from './run.ts'

/** How many schedules are run. Their seeds begin at 1. */
const SCHEDULES = 100
const MINUTES = 60_000

it('a foreign log that stalls, forks and goes back never makes an ended token valid for longer than the staleness', {
  timeout: 5 * MINUTES,
}, async () => {
  const seen = new Map<string, number>()
  for (let seed = 1; seed <= SCHEDULES; seed += 1) {
    const ended = await run(seed, REAL)
    expect(wrongAnswers(ended), `seed ${seed}: ${ended.faults.join(', ')}`).toEqual([])
    for (const { verdict } of ended.answers) seen.set(verdict, (seen.get(verdict) ?? 0) + 1)
    // When the faults have ended, the log is followed again.
    for (const { jti, verdict } of ended.last) {
      if (jti === 'standing') expect(verdict, `seed ${seed}: ${ended.faults.join(', ')}`).toBe('valid')
      else expect(['valid', 'TOKEN_REVOKED'], `seed ${seed}`).toContain(verdict)
    }
  }
  // A run without events keeps every promise, so each answer must be frequent.
  for (const verdict of ['valid', 'TOKEN_REVOKED', 'ISSUER_REVOCATIONS_STALE']) {
    expect(seen.get(verdict), verdict).toBeGreaterThan(10 * SCHEDULES)
  }
})

it('a run is the same for the same seed', async () => {
  expect(await run(7, REAL)).toEqual(await run(7, REAL))
})
