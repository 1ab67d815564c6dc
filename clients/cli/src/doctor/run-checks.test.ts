import { expect, it } from 'vitest'
import { ok } from './finding.ts'
import { runChecks } from './run-checks.ts'

it('runChecks returns findings in the order of the checks, even if one throws and one never ends', async () => {
  let wasCut = false
  const never = (signal: AbortSignal) =>
    new Promise<never>(() => signal.addEventListener('abort', () => (wasCut = true), { once: true }))
  const findings = await runChecks(
    [
      { name: 'slow', run: never },
      { name: 'broken', run: () => Promise.reject(new Error('bug')) },
      { name: 'good', run: async () => [ok('good', 'yes')] },
    ],
    { timeoutMs: 20, signal: new AbortController().signal },
  )
  expect(findings).toMatchObject([
    { check: 'slow', level: 'problem', message: 'no answer within 0.02 s' },
    { check: 'broken', level: 'problem', message: expect.stringContaining('bug') },
    { check: 'good', level: 'ok' },
  ])
  expect(wasCut).toBe(true)
})

it('runChecks rejects when its signal aborts', async () => {
  const stop = new AbortController()
  const { promise: cut, resolve } = Promise.withResolvers<void>()
  const never = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    queueMicrotask(() => stop.abort('interrupted'))
    return new Promise<never>(() => undefined)
  }
  const checks = [{ name: 'slow', run: never }]
  await expect(runChecks(checks, { timeoutMs: 60_000, signal: stop.signal })).rejects.toBe('interrupted')
  await cut
})
