import pg from 'pg'
import { Counter, Gauge, Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMetrics, type Metrics } from '../../platform/metrics/metrics.ts'
import { type Gathering, gatherMetrics } from './gather-metrics.ts'

const CALLS = 'auth4agent_calls_total{service="AuthnService",method="VerifyToken",reason="OK"}'
const DURATIONS = 'auth4agent_call_duration_seconds_count{service="AuthnService",method="VerifyToken"}'

let gathering: Gathering

beforeEach(() => {
  vi.useFakeTimers()
  gathering = gatherMetrics(async (workers) => {
    const own = new Registry()
    new Gauge({ name: 'auth4agent_workers', help: 'Workers.', registers: [own] }).set(workers)
    new Gauge({ name: 'process_start_time_seconds', help: 'Start.', aggregator: 'omit', registers: [own] }).set(7)
    new Counter({ name: 'process_cpu_seconds_total', help: 'CPU.', registers: [own] }).inc(100)
    return own.getMetricsAsJSON()
  })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Adds a worker with its own metrics. */
function join({ answers = true, holdsLease = true, sequence = 0 } = {}) {
  const metrics = createMetrics(new pg.Pool())
  metrics.revocation.show({
    lease: { holdsLease, sequence },
    isBusConnected: undefined,
    watchers: () => 2,
    clockGuard: { problem: () => undefined },
    durability: { facts: { durability: 'quorum' } },
  })
  const worker = { answers, metrics, contributor: gathering.join(() => void answer()) }
  const answer = async () => {
    if (worker.answers) worker.contributor.received(structuredClone(await metrics.snapshot()))
  }
  return worker
}

function call({ metrics }: { readonly metrics: Metrics }, times: number): void {
  for (let count = 0; count < times; count += 1) metrics.observe('AuthnService', 'VerifyToken', 'OK', 0.001)
}

/** Lets the remembered metrics become too old, reads new ones, and returns a function that finds a sample by name. */
async function samples(): Promise<(name: string) => number | undefined> {
  await vi.advanceTimersByTimeAsync(1_001)
  const asked = gathering.exposition.metrics()
  await vi.advanceTimersByTimeAsync(500)
  const lines = (await asked).split('\n')
  return (name) => {
    const [, value] = lines.find((line) => line.startsWith(`${name} `))?.split(' ') ?? []
    return value === undefined ? undefined : Number(value)
  }
}

describe('gatherMetrics', () => {
  it('adds up the counts of all workers and of the gathering process', async () => {
    call(join(), 3)
    call(join(), 4)
    const value = await samples()
    expect({ calls: value(CALLS), durations: value(DURATIONS) }).toEqual({ calls: 7, durations: 7 })
    expect(value('process_cpu_seconds_total')).toBeGreaterThanOrEqual(100)
    expect(value('auth4agent_workers')).toBe(2)
  })

  it.each([
    ['auth4agent_revocation_lease_valid', 'the value of the worker without a lease', 0],
    ['auth4agent_revocation_log_sequence', 'the value of the worker that is behind', 5],
    ['auth4agent_watchers', 'the sum of both workers', 4],
    ['process_start_time_seconds', 'the value of the gathering process', 7],
  ])('reports, as %s, %s', async (name, _of, expected) => {
    join({ holdsLease: true, sequence: 9 })
    join({ holdsLease: false, sequence: 5 })
    expect((await samples())(name)).toBe(expected)
  })

  it('keeps the counts of a worker that has ended, and drops its gauges', async () => {
    const [one, two] = [join(), join({ holdsLease: false })]
    call(one, 3)
    call(two, 4)
    await samples()
    two.contributor.leave()
    expect((await samples())(CALLS)).toBe(7)
    const three = join()
    call(three, 5)
    await samples()
    three.contributor.leave()
    const value = await samples()
    expect({ calls: value(CALLS), durations: value(DURATIONS) }).toEqual({ calls: 12, durations: 12 })
    expect(value('auth4agent_revocation_lease_valid')).toBe(1)
    expect(value('auth4agent_workers')).toBe(1)
  })

  it('returns exactly the same sum of fractions after a worker has ended', async () => {
    const sum = 'auth4agent_call_duration_seconds_sum{service="AuthnService",method="VerifyToken"}'
    const workers = [0.1, 0.2, 0.4].map((seconds) => {
      const worker = join()
      worker.metrics.observe('AuthnService', 'VerifyToken', 'OK', seconds)
      return worker
    })
    const before = (await samples())(sum)
    expect(before).toBeCloseTo(0.7)
    workers[2]?.contributor.leave()
    expect((await samples())(sum)).toBe(before)
  })

  it('uses the last answer of a worker that does not answer in time', async () => {
    const [one, two] = [join(), join()]
    call(one, 3)
    call(two, 4)
    await samples()
    two.answers = false
    call(one, 1)
    call(two, 1)
    expect((await samples())(CALLS)).toBe(8)
  })

  it('does not wait for a worker that ends before it answers', async () => {
    call(join(), 3)
    const dying = join({ answers: false })
    const asked = gathering.exposition.metrics()
    dying.contributor.leave()
    await vi.advanceTimersByTimeAsync(0)
    expect(await asked).toContain(`${CALLS} 3`)
  })

  it('reports the longest event loop lag of all workers', async () => {
    for (const lag of [0.1, 0.4]) {
      const registry = new Registry()
      const name = 'nodejs_eventloop_lag_p99_seconds'
      new Gauge({ name, help: 'Lag.', aggregator: 'average', registers: [registry] }).set(lag)
      const contributor = gathering.join(
        () => void registry.getMetricsAsJSON().then((all) => contributor.received(all)),
      )
    }
    expect((await samples())('nodejs_eventloop_lag_p99_seconds')).toBe(0.4)
  })
})
