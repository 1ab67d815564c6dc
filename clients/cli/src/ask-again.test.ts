import { Auth4AgentError, type DomainConfirmation } from '@auth4agent/sdk'
import { describe, expect, it } from 'vitest'
import { askAgain } from './ask-again.ts'

const missing: DomainConfirmation = {
  verified: false,
  message: 'No record',
  verified_at: null,
  reason: 'TXT_RECORD_NOT_FOUND',
  takeover_at: null,
}
const proven: DomainConfirmation = { ...missing, verified: true, message: 'Found' }
const later = (retryAfterS?: number) =>
  new Auth4AgentError('Too many', { reason: 'RATE_LIMITED', status: 429, retryAfterS })

/**
 * Runs askAgain with these outcomes; the last outcome repeats for ever. Only pauses move the clock. Returns the result
 * and each pause in seconds.
 */
async function asking(outcomes: readonly (DomainConfirmation | Error)[], timeoutS: number) {
  const pauses: number[] = []
  let [nowMs, count] = [0, 0]
  const ask = async () => {
    const outcome = outcomes[Math.min(count, outcomes.length - 1)]
    count += 1
    if (outcome === undefined || outcome instanceof Error) throw outcome
    return outcome
  }
  const result = await askAgain(ask, timeoutS * 1000, {
    now: () => nowMs,
    pause: async (ms) => {
      pauses.push(ms / 1000)
      nowMs += ms
    },
    progress: (_what, work) => work,
    note: () => undefined,
    signal: new AbortController().signal,
  }).catch((error: unknown) => error)
  return { result, pauses }
}

describe('askAgain', () => {
  it('asks until the domain is proven, with growing pauses of at most a minute', async () => {
    const { result, pauses } = await asking([...Array.from({ length: 11 }, () => missing), proven], 3600)
    expect(result).toBe(proven)
    expect(pauses.slice(0, 4)).toEqual([2, 3, 4.5, 6.75])
    expect(pauses.slice(-2)).toEqual([60, 60])
  })

  it('asks once more when the time is over and returns the last answer', async () => {
    expect(await asking([missing], 4)).toEqual({ result: missing, pauses: [2, 2] })
    expect(await asking([missing, missing, proven], 4)).toMatchObject({ result: proven })
  })

  it('asks again after a temporary failure, waits as long as the server asks, and rejects if the failure lasts', async () => {
    expect(await asking([later(20), proven], 600)).toEqual({ result: proven, pauses: [20] })
    const error = later()
    expect(await asking([error], 5)).toEqual({ result: error, pauses: [2, 3] })
  })

  it('rejects at once with a permanent failure', async () => {
    const error = new Auth4AgentError('None', { reason: 'OPERATOR_NOT_FOUND', status: 404 })
    expect(await asking([error], 600)).toEqual({ result: error, pauses: [] })
  })
})
