import { expect, it, onTestFinished } from 'vitest'
import { startGateway } from '../../test/support/gateway.ts'
import { until } from '../../test/support/until.ts'
import { type ReadinessDeps, startReadiness } from './readiness.ts'

/** Starts readiness with a database and a clock that the test controls. */
async function setUp(timing: ReadinessDeps['timing'] = {}) {
  const state = {
    now: 0,
    asked: 0,
    answer: async (): Promise<unknown> => undefined,
    missing: [] as string[],
    clock: undefined as string | undefined,
    followsLog: true,
  }
  const readiness = await startReadiness({
    askDatabase: () => {
      state.asked += 1
      return state.answer()
    },
    clockProblem: () => state.clock,
    missingServices: () => state.missing,
    followsLog: () => state.followsLog,
    timing: { intervalMs: 3_600_000, maxAgeMs: 5_000, now: () => state.now, ...timing },
  })
  onTestFinished(() => readiness.stop())
  return { state, readiness }
}

it('/ready sends no query to the database, even for a thousand requests', async () => {
  const { state, readiness } = await setUp()
  const { url } = await startGateway({}, { ready: () => readiness.missing() })
  const statuses = new Set<number>()
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${url}/ready`)))
    for (const answer of answers) {
      statuses.add(answer.status)
      await answer.arrayBuffer()
    }
  }
  expect([...statuses]).toEqual([200])
  expect(state.asked).toBe(1)
})

it('readiness reports the revocation log until the process follows it', async () => {
  const { state, readiness } = await setUp()
  state.followsLog = false
  expect(readiness.missing()).toEqual(['revocation log'])
  state.followsLog = true
  expect(readiness.missing()).toEqual([])
})

it('readiness queries the database at its interval and follows the result', async () => {
  const { state, readiness } = await setUp({ intervalMs: 1 })
  expect(readiness.missing()).toEqual([])
  state.answer = () => Promise.reject(new Error('connection refused'))
  await until(
    async () => readiness.missing(),
    ([first]) => first === 'database',
  )
  state.answer = async () => undefined
  await until(
    async () => readiness.missing(),
    ({ length }) => length === 0,
  )
  expect(state.asked).toBeGreaterThan(2)
})

it('readiness reports a missing database when a query hangs for longer than maxAgeMs', async () => {
  const { state, readiness } = await setUp({ intervalMs: 1 })
  state.answer = () => new Promise(() => undefined)
  const { asked } = state
  await until(
    async () => state.asked,
    (count) => count > asked,
  )
  expect(readiness.missing()).toEqual([])
  state.now += 5_001
  expect(readiness.missing()).toEqual(['database'])
})

it('readiness reports a wrong clock and services that were never reached, and only the stop after drain', async () => {
  const { state, readiness } = await setUp()
  state.missing = ['identity']
  state.clock = 'the clock is 20 s behind'
  expect(readiness.missing()).toEqual(['the clock is 20 s behind', 'identity'])
  readiness.drain()
  expect(readiness.missing()).toEqual(['it is stopping'])
})

it('readiness sends no query after stop', async () => {
  const { state, readiness } = await setUp({ intervalMs: 1 })
  const { promise, resolve } = Promise.withResolvers<void>()
  state.answer = () => promise
  const { asked } = state
  await until(
    async () => state.asked,
    (count) => count > asked,
  )
  const before = state.asked
  readiness.stop()
  resolve()
  // Queries of a second readiness show that there was time for more queries of the first.
  const other = await setUp({ intervalMs: 1 })
  await until(
    async () => other.state.asked,
    (count) => count > 5,
  )
  expect(state.asked).toBe(before)
})
