import { Auth4AgentError } from '@auth4agent/sdk'
import { expect, it } from 'vitest'
import { createPatience } from './patience.ts'

const error = (reason: string, status: number) => new Auth4AgentError(`It is ${reason}`, { reason, status })
const BUSY = [error('UNAVAILABLE', 503), error('DEADLINE_EXCEEDED', 504), error('RATE_LIMITED', 429)]

function setUp(limitMs = 300_000) {
  const lines: string[] = []
  const timing = { limitMs, pauseMs: 0, sayMs: 0 }
  const patiently = createPatience({ logFiles: ['/logs/alpha.log'], tell: (line) => lines.push(line), timing })
  return { patiently, lines }
}

it('a step is repeated while a server is busy or away, and lines say so', async () => {
  const { patiently, lines } = setUp()
  const failures = [...BUSY, error('NETWORK_ERROR', 0)]
  const work = async () => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return 42
  }
  expect(await patiently('B admits A', work)).toBe(42)
  expect(lines).toHaveLength(4)
  expect(lines[0]).toBe('Still waiting: B admits A (It is UNAVAILABLE)')
})

it.each([
  ['is refused', 300_000, error('INVALID_DOMAIN', 400)],
  ['fails in the client', 300_000, new TypeError('It is wrong')],
  ['is still too busy after the limit', -1, error('UNAVAILABLE', 503)],
])('a step that %s ends with its name, the logs and advice', async (_name, limitMs, failure) => {
  const { patiently } = setUp(limitMs)
  const ended: unknown = await patiently('B admits A', () => Promise.reject(failure)).catch((thrown: unknown) => thrown)
  const { message } = ended as Error
  for (const part of ['This step failed: B admits A', failure.message, '/logs/alpha.log', 'end other programs'])
    expect(message).toContain(part)
})
