import { afterAll, describe, expect, it, vi } from 'vitest'
import { bearer } from '../../test/support/assertions.ts'
import { chainFixture, PARTIES } from '../../test/support/chain.ts'
import { testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())
const { own, foreign } = PARTIES

/** A handler whose calls end when the test says so. */
function gate() {
  const gates: PromiseWithResolvers<void>[] = []
  const handler = async () => {
    const next = Promise.withResolvers<void>()
    gates.push(next)
    await next.promise
    return {}
  }
  return { gates, handler }
}
const started = (gates: readonly unknown[], count: number) => eventually(() => expect(gates).toHaveLength(count))

describe('limits', () => {
  const TWO = { perMinute: 6, burst: 2 }

  it('counts a source, whatever it calls as, and says when to come back', async () => {
    const { call, clock } = chainFixture(db, { rate: { source: TWO } })
    await call(bearer(own))
    expect(await refusalOf(call('nonsense'))).toBe('INVALID_ASSERTION')
    await expect(call(bearer(own))).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfter: 10 })
    expect(await refusalOf(call(bearer(own), { source: '192.0.2.2' }))).toBeUndefined()
    clock.now = 10_000
    expect(await refusalOf(call(bearer(own)))).toBeUndefined()
  })

  it('counts an IPv6 network as one source', async () => {
    const { call } = chainFixture(db, { rate: { source: TWO } })
    await call(bearer(own), { source: '2001:db8:1:2::1' })
    await call(bearer(own), { source: '2001:db8:1:2::2' })
    expect(await refusalOf(call(bearer(own), { source: '2001:db8:1:2:ffff::3' }))).toBe('RATE_LIMITED')
    expect(await refusalOf(call(bearer(own), { source: '2001:db8:1:3::1' }))).toBeUndefined()
  })

  it('counts malformed requests too', async () => {
    const { call } = chainFixture(db, { rate: { source: TWO } })
    for (const reason of ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'RATE_LIMITED']) {
      expect(await refusalOf(call(undefined, {}, { reason: '\0' }))).toBe(reason)
    }
  })

  it('counts an operator over all its sources, its refused calls as well, without a record of each', async () => {
    const { call } = chainFixture(db, { rate: { subject: TWO } })
    expect(await refusalOf(call(bearer(own), { source: '192.0.2.1' }))).toBeUndefined()
    expect(await refusalOf(call(bearer(own), { source: '192.0.2.2' }, { operatorId: foreign.iss }))).toBe(
      'PERMISSION_DENIED',
    )
    for (const source of ['192.0.2.3', '192.0.2.4']) {
      expect(await refusalOf(call(bearer(own), { source }))).toBe('RATE_LIMITED')
    }
    expect(await refusalOf(call(bearer(foreign), {}, { operatorId: foreign.iss }))).toBeUndefined()
    expect((await db.prisma.auditLog.findMany()).map(({ reason }) => reason)).toContain('PERMISSION_DENIED')
    expect(await db.prisma.auditLog.count({ where: { reason: 'RATE_LIMITED' } })).toBe(0)
  })

  it('counts what an anonymous caller names together with its source, where the line says so', async () => {
    const policy = { callers: ['anyone'], limitBy: 'agent' } as const
    const { call } = chainFixture(db, { policy, rate: { subject: TWO } })
    const from = (source: string, agent: string) => refusalOf(call(undefined, { source }, { agent }))
    for (let n = 0; n < 2; n += 1) expect(await from('192.0.2.1', 'a-1')).toBeUndefined()
    expect(await from('192.0.2.1', 'a-1')).toBe('RATE_LIMITED')
    expect(await from('192.0.2.1', 'a-2')).toBeUndefined()
    expect(await from('192.0.2.2', 'a-1')).toBeUndefined()
  })

  it('lets nobody use up the calls of an operator by naming it', async () => {
    const { call } = chainFixture(db, { policy: { limitBy: 'operatorId' }, rate: { subject: TWO } })
    for (let n = 0; n < 4; n += 1) expect(await refusalOf(call())).toBe('UNAUTHENTICATED')
    for (let n = 0; n < 4; n += 1) await refusalOf(call(bearer(foreign)))
    expect(await refusalOf(call(bearer(own)))).toBeUndefined()
  })
})

describe('concurrency and deadline', () => {
  it('refuses more calls at once than it may answer, and takes new ones as they end, well or not', async () => {
    const { gates, handler } = gate()
    const { call, observed } = chainFixture(db, { handler, deps: { maxConcurrency: 2 } })
    const calls = [call(bearer(own)), call(bearer(own))]
    await started(gates, 2)
    await expect(call(bearer(own))).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfter: 1 })
    expect(observed).toEqual(['OVERLOADED'])
    gates[0]?.resolve()
    gates[1]?.reject(new Error('boom'))
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    const next = [call(bearer(own)), call(bearer(own))]
    await started(gates, 4)
    for (const { resolve } of gates) resolve()
    await Promise.all(next)
  })

  it('gives places back after refusals of every kind', async () => {
    const { call } = chainFixture(db, { deps: { maxConcurrency: 1 } })
    for (let n = 0; n < 3; n += 1) {
      expect(await refusalOf(call('nonsense'))).toBe('INVALID_ASSERTION')
      expect(await refusalOf(call())).toBe('UNAUTHENTICATED')
      expect(await refusalOf(call(bearer(foreign)))).toBe('PERMISSION_DENIED')
    }
    expect(await refusalOf(call(bearer(own)))).toBeUndefined()
  })

  it('ends at its deadline, and keeps the place while the work goes on', async () => {
    const { gates, handler } = gate()
    const { call, observed } = chainFixture(db, { handler, deps: { maxConcurrency: 1, deadlineMs: 50 } })
    expect(await refusalOf(call(bearer(own)))).toBe('DEADLINE_EXCEEDED')
    expect(await refusalOf(call(bearer(own)))).toBe('OVERLOADED')
    gates[0]?.reject(new Error('late'))
    await eventually(async () => expect(await refusalOf(call(bearer(own)))).toBe('DEADLINE_EXCEEDED'))
    gates[1]?.resolve()
    expect(observed.slice(0, 2)).toEqual(['DEADLINE_EXCEEDED', 'OVERLOADED'])
  })

  it('lets the caller ask for less time, and never for more', async () => {
    const { gates, handler } = gate()
    expect(await refusalOf(chainFixture(db, { handler }).call(bearer(own), { timeoutMs: 20 }))).toBe(
      'DEADLINE_EXCEEDED',
    )
    const short = chainFixture(db, { handler, deps: { deadlineMs: 20 } })
    expect(await refusalOf(short.call(bearer(own), { timeoutMs: 60_000 }))).toBe('DEADLINE_EXCEEDED')
    for (const { resolve } of gates) resolve()
  })

  it.each([0, -5])('begins nothing for a caller whose deadline is %i milliseconds away', async (timeoutMs) => {
    const handler = vi.fn(async () => ({}))
    expect(await refusalOf(chainFixture(db, { handler }).call(bearer(own), { timeoutMs }))).toBe('DEADLINE_EXCEEDED')
    expect(handler).not.toHaveBeenCalled()
  })
})
