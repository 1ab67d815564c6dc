import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCircuits } from './circuits.ts'
import { OutboundError, type OutboundWhy } from './outbound-error.ts'

const ORIGIN = 'https://auth.example'
const PAUSE_MS = 5_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Creates circuits. `fail` and `succeed` run one request, and return why it has failed. */
function openCircuits(maxOrigins?: number) {
  const run = createCircuits(maxOrigins)
  const whyOf = async (origin: string, work: () => Promise<string>): Promise<string> => {
    try {
      return await run(origin, work)
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      return error.why
    }
  }
  const fail = (why: OutboundWhy, status?: number, origin = ORIGIN) =>
    whyOf(origin, () => Promise.reject(new OutboundError(why, 'failed', status)))
  const failTimes = async (times: number, ...[why, status]: [OutboundWhy, number?]) => {
    for (let n = 0; n < times; n += 1) expect(await fail(why, status)).toBe(why)
  }
  return { run, whyOf, fail, failTimes, succeed: (origin = ORIGIN) => whyOf(origin, () => Promise.resolve('answered')) }
}

describe('createCircuits', () => {
  it.each<[name: string, why: OutboundWhy, status: number | undefined]>([
    ['no connection', 'UNREACHABLE', undefined],
    ['no answer in time', 'TIMEOUT', undefined],
    ['a forbidden address', 'ADDRESS_REFUSED', undefined],
    ['status 500', 'STATUS', 500],
    ['status 503', 'STATUS', 503],
    ['status 429', 'STATUS', 429],
  ])('leaves an origin alone after five times %s', async (_name, why, status) => {
    const { failTimes, succeed } = openCircuits()
    await failTimes(5, why, status)
    expect(await succeed()).toBe('CIRCUIT_OPEN')
  })

  it.each<[name: string, why: OutboundWhy, status: number | undefined]>([
    ['status 404', 'STATUS', 404],
    ['status 302', 'STATUS', 302],
    ['another media type', 'MEDIA_TYPE', undefined],
    ['an encoding', 'ENCODING', undefined],
    ['a long body', 'TOO_LARGE', undefined],
    ['the end of the server', 'CLOSED', undefined],
  ])('asks an origin again whatever the number of times of %s', async (_name, why, status) => {
    const { failTimes, succeed } = openCircuits()
    await failTimes(10, why, status)
    expect(await succeed()).toBe('answered')
  })

  it('counts failures in a row only', async () => {
    const { failTimes, succeed } = openCircuits()
    await failTimes(4, 'TIMEOUT')
    expect(await succeed()).toBe('answered')
    await failTimes(4, 'TIMEOUT')
    expect(await succeed()).toBe('answered')
  })

  it('does not let one origin stop another', async () => {
    const { failTimes, succeed } = openCircuits()
    await failTimes(5, 'TIMEOUT')
    expect(await succeed('https://auth.example:8443')).toBe('answered')
  })

  it('lets one request try an origin after the pause, and closes when it is answered', async () => {
    const { run, failTimes, succeed } = openCircuits()
    await failTimes(5, 'TIMEOUT')
    vi.advanceTimersByTime(PAUSE_MS - 1)
    expect(await succeed()).toBe('CIRCUIT_OPEN')
    vi.advanceTimersByTime(1)
    const trial = Promise.withResolvers<string>()
    const running = run(ORIGIN, () => trial.promise)
    expect(await succeed()).toBe('CIRCUIT_OPEN')
    trial.resolve('answered')
    expect(await running).toBe('answered')
    expect(await succeed()).toBe('answered')
  })

  it('leaves an origin alone again if the trial fails', async () => {
    const { fail, failTimes, succeed } = openCircuits()
    await failTimes(5, 'TIMEOUT')
    vi.advanceTimersByTime(PAUSE_MS)
    expect(await fail('UNREACHABLE')).toBe('UNREACHABLE')
    expect(await succeed()).toBe('CIRCUIT_OPEN')
  })

  it('forgets the origin that it has known for longest when there are too many', async () => {
    const { failTimes, succeed } = openCircuits(2)
    await failTimes(5, 'TIMEOUT')
    expect(await succeed('https://b.example')).toBe('answered')
    expect(await succeed()).toBe('CIRCUIT_OPEN')
    expect(await succeed('https://c.example')).toBe('answered')
    expect(await succeed()).toBe('answered')
  })
})
