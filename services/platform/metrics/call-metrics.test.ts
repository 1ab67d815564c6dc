import { Counter, Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { expose } from './aggregate.ts'
import { createCallMetrics } from './call-metrics.ts'

const CALLS = [
  ['AuthnService', 'VerifyToken', 'OK', 0.0005],
  ['AuthnService', 'VerifyToken', 'OK', 0.00050001],
  ['AuthnService', 'VerifyToken', 'RATE_LIMITED', 0],
  ['AuthnService', 'IssueToken', 'OK', 5],
  ['AuthnService', 'IssueToken', 'OK', 5.5],
  ['IdentityService', 'GetAgent', 'AGENT_NOT_FOUND', 0.3],
  ['none', 'none', 'ROUTE_NOT_FOUND', 0.001],
] as const

const linesOf = (text: string) => text.split('\n').toSorted()

it('tells of calls what prom-client’s own counter and histogram do', async () => {
  const ours = createCallMetrics()
  const registry = new Registry()
  const total = new Counter({
    name: 'auth4agent_calls_total',
    help: 'Calls by RPC and reason; reason is OK for those that succeeded.',
    labelNames: ['service', 'method', 'reason'],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'auth4agent_call_duration_seconds',
    help: 'Time from a call to its answer.',
    labelNames: ['service', 'method'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  for (const [service, method, reason, seconds] of CALLS) {
    ours.observe(service, method, reason, seconds)
    total.inc({ service, method, reason })
    duration.observe({ service, method }, seconds)
  }
  expect(linesOf(await expose([await ours.snapshot()]))).toEqual(
    linesOf(await expose([await registry.getMetricsAsJSON()])),
  )
  expect(await expose([await ours.snapshot()])).toContain(
    'auth4agent_call_duration_seconds_bucket{le="+Inf",service="AuthnService",method="IssueToken"} 2',
  )
})

it('names its metrics before there was a call', async () => {
  const text = await expose([await createCallMetrics().snapshot()])
  for (const name of ['auth4agent_calls_total counter', 'auth4agent_call_duration_seconds histogram']) {
    expect(text).toContain(`# TYPE ${name}`)
  }
})
