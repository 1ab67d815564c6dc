import { expect, it } from 'vitest'
import { ok } from './finding.ts'
import { runChecks } from './run-checks.ts'

it('answers in the order of the checks, though one fails and one never ends', async () => {
  let wasCut = false
  const never = (signal: AbortSignal) =>
    new Promise<never>(() => signal.addEventListener('abort', () => (wasCut = true), { once: true }))
  const findings = await runChecks(
    [
      { name: 'slow', run: never },
      { name: 'broken', run: () => Promise.reject(new Error('bug')) },
      { name: 'good', run: async () => [ok('good', 'yes')] },
    ],
    20,
  )
  expect(findings).toMatchObject([
    { check: 'slow', level: 'problem', message: 'no answer within 0.02 s' },
    { check: 'broken', level: 'problem', message: expect.stringContaining('bug') },
    { check: 'good', level: 'ok' },
  ])
  expect(wasCut).toBe(true)
})
