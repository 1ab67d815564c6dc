import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

/** Creates metrics with a pool that never connects. Only its counters are read. */
const metricsOfIdlePool = () => createMetrics(new pg.Pool())

describe('createMetrics', () => {
  it('counts calls by RPC and reason, issued tokens, and refused tokens by reason', async () => {
    const metrics = metricsOfIdlePool()
    metrics.observe('AuthnService', 'IssueToken', 'OK', 0.002)
    metrics.observe('AuthnService', 'IssueToken', 'CHALLENGE_USED', 0.001)
    metrics.observe('AuthnService', 'VerifyToken', 'OK', 0.001)
    const text = await metrics.exposition.metrics()
    for (const line of [
      'auth4agent_calls_total{service="AuthnService",method="IssueToken",reason="OK"} 1',
      'auth4agent_calls_total{service="AuthnService",method="VerifyToken",reason="OK"} 1',
      'auth4agent_tokens_issued_total 1',
      'auth4agent_tokens_refused_total{reason="CHALLENGE_USED"} 1',
      'auth4agent_call_duration_seconds_bucket{le="0.0025",service="AuthnService",method="IssueToken"} 2',
    ]) {
      expect(text).toContain(line)
    }
  })

  it('shows the pool, the event loop and calls in flight', async () => {
    const metrics = metricsOfIdlePool()
    metrics.callStarted()
    const text = await metrics.exposition.metrics()
    expect(text).toContain('auth4agent_calls_in_flight 1')
    expect(text).toContain('auth4agent_db_pool_connections{state="waiting"} 0')
    expect(text).toContain('nodejs_eventloop_lag_seconds')
  })

  it('shows how many recoveries and moves of agents wait', async () => {
    const metrics = metricsOfIdlePool()
    metrics.keyEvents.waiting({ recover: 2, move: 3 })
    const text = await metrics.exposition.metrics()
    expect(text).toContain('auth4agent_recoveries_waiting 2')
    expect(text).toContain('auth4agent_moves_waiting 3')
  })

  it('counts requests to other servers by outcome', async () => {
    const metrics = metricsOfIdlePool()
    metrics.outbound('OK')
    metrics.outbound('TIMEOUT')
    metrics.outbound('TIMEOUT')
    const text = await metrics.exposition.metrics()
    expect(text).toContain('auth4agent_outbound_requests_total{outcome="OK"} 1')
    expect(text).toContain('auth4agent_outbound_requests_total{outcome="TIMEOUT"} 2')
  })

  it('collects the metrics once for simultaneous requests', async () => {
    const metrics = metricsOfIdlePool()
    const first = metrics.exposition.metrics()
    metrics.observe('AuthnService', 'IssueToken', 'OK', 0.002)
    expect(metrics.exposition.metrics()).toBe(first)
    await first
  })
})
