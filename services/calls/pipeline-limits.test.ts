import { create } from '@bufbuild/protobuf'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { IdentityService, RegisterAgentRequestSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { bearer } from '../../test/support/assertions.ts'
import { testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { PARTIES, type PipelineSetup, pipelineFixture, RPC } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { Call } from './call.ts'
import { costOfChain } from './cost.ts'
import type { Policy } from './policy.ts'
import { requestBody } from './request-body.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())
const { own, foreign } = PARTIES

/** Returns a handler, and a list of promises by which the test ends its calls. */
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

describe('the rate limits of the pipeline', () => {
  const TWO = { perMinute: 6, burst: 2 }

  it('count all calls of a source, and a refusal contains the time until the next call is allowed', async () => {
    const { call, clock } = pipelineFixture(db, { rate: { source: TWO } })
    await call(bearer(own))
    expect(await refusalOf(call('nonsense'))).toBe('INVALID_ASSERTION')
    await expect(call(bearer(own))).rejects.toMatchObject({ reason: 'RATE_LIMITED', retryAfter: 10 })
    expect(await refusalOf(call(bearer(own), { source: '192.0.2.2' }))).toBeUndefined()
    clock.now = 10_000
    expect(await refusalOf(call(bearer(own)))).toBeUndefined()
  })

  it('count an IPv6 /64 network as one source', async () => {
    const { call } = pipelineFixture(db, { rate: { source: TWO } })
    await call(bearer(own), { source: '2001:db8:1:2::1' })
    await call(bearer(own), { source: '2001:db8:1:2::2' })
    expect(await refusalOf(call(bearer(own), { source: '2001:db8:1:2:ffff::3' }))).toBe('RATE_LIMITED')
    expect(await refusalOf(call(bearer(own), { source: '2001:db8:1:3::1' }))).toBeUndefined()
  })

  it('count malformed requests', async () => {
    const { call } = pipelineFixture(db, { rate: { source: TWO } })
    for (const reason of ['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'RATE_LIMITED']) {
      expect(await refusalOf(call(undefined, {}, { reason: '\0' }))).toBe(reason)
    }
  })

  it('count the calls of an operator from all sources, also refused ones, and RATE_LIMITED is not audited', async () => {
    const { call } = pipelineFixture(db, { rate: { subject: TWO } })
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

  it('leave out records of refusals that are too many, and each caller has its own', async () => {
    const records: string[] = []
    const mayRecordRefusal = (caller: string) => records.push(caller) <= 1
    const { call } = pipelineFixture(db, { deps: { mayRecordRefusal } })
    const before = await db.prisma.auditLog.count()
    for (const requestId of ['left-1', 'left-2']) {
      const refused = call(bearer(own), { requestId }, { operatorId: foreign.iss })
      expect(await refusalOf(refused)).toBe('PERMISSION_DENIED')
    }
    expect(records).toEqual([own.iss, own.iss])
    expect(await db.prisma.auditLog.count()).toBe(before + 1)
    expect(await refusalOf(call(undefined))).toBe('UNAUTHENTICATED')
    expect(records).toHaveLength(2)
  })

  it.each([
    ['a change', {}, 'usual'],
    ['a change that can end tokens', { endsTokens: true }, 'reserve'],
    ['a change that only takes authority away', { endsTokens: true, urgent: true }, 'always'],
    ['a change that only deletes', { freesStorage: true }, 'always'],
  ] as const)('tell %s how much its operator may store', async (_, policy, claim) => {
    const calls: Call[] = []
    const { call } = pipelineFixture(db, {
      policy: { action: 'agent.update', endsTokens: false, ...policy } as Partial<Policy<Record<string, unknown>>>,
      handler: async (_request, given) => {
        calls.push(given)
        return {}
      },
      deps: { operatorBytesPerDay: 7 },
    })
    await call(bearer(own, { claims: { rpc: RPC } }))
    expect(calls).toMatchObject([{ storage: { bytesPerDay: 7, claim } }])
  })

  it('count anonymous calls by the field limitBy together with the source', async () => {
    const policy = { callers: ['anyone'], limitBy: 'agent' } as const
    const { call } = pipelineFixture(db, { policy, rate: { subject: TWO } })
    const from = (source: string, agent: string) => refusalOf(call(undefined, { source }, { agent }))
    for (let n = 0; n < 2; n += 1) expect(await from('192.0.2.1', 'a-1')).toBeUndefined()
    expect(await from('192.0.2.1', 'a-1')).toBe('RATE_LIMITED')
    expect(await from('192.0.2.1', 'a-2')).toBeUndefined()
    expect(await from('192.0.2.2', 'a-1')).toBeUndefined()
  })

  it('count calls that leave limitBy empty by the issuer of the JWT in limitByIssuerOf', async () => {
    const policy = { callers: ['anyone'], limitBy: 'agent', limitByIssuerOf: 'operatorId' } as const
    const { call } = pipelineFixture(db, { policy, rate: { subject: TWO } })
    const send = (agent: string, operatorId: string) => refusalOf(call(undefined, {}, { agent, operatorId }))
    expect(await send('', jwtOf('a-1'))).toBeUndefined()
    expect(await send('a-1', '')).toBeUndefined()
    expect(await send('', jwtOf('a-1'))).toBe('RATE_LIMITED')
    expect(await send('', jwtOf('a-2'))).toBeUndefined()
    for (const text of ['', 'x', 'a.b.c', jwtOf(1), jwtOf(undefined)]) {
      for (let n = 0; n < 3; n += 1) expect(await send('', text)).toBeUndefined()
    }
  })

  it('count a chain as one unit of the source for each of its grants, and refuse only later calls', async () => {
    const policy: PipelineSetup['policy'] = { callers: ['anyone'], cost: ({ agent }) => costOfChain(String(agent)) }
    const { call, clock } = pipelineFixture(db, { policy, rate: { source: TWO, subject: TWO } })
    const send = (agent: string) => refusalOf(call(undefined, {}, { agent }))
    expect(await send('a~b~c')).toBeUndefined()
    for (const [atMs, reason] of [
      [19_999, 'RATE_LIMITED'],
      [20_000, undefined],
      [20_001, 'RATE_LIMITED'],
    ] as const) {
      clock.now = atMs
      expect(await send('a')).toBe(reason)
    }
    // A chain has at most nine grants, so nothing longer is verified.
    clock.now = 1_000_000
    expect(await send('~'.repeat(500))).toBeUndefined()
    clock.now += 80_000
    expect(await send('a')).toBeUndefined()
  })

  it.each<[string, PipelineSetup, number]>([
    ['cost of the policy', { policy: { cost: () => 3 } }, 3],
    [
      'charge of the handler',
      {
        handler: async (_, { charge }) => {
          charge?.(2)
          return {}
        },
      },
      3,
    ],
    ['charge of the handler for nothing', { handler: async (_, { charge }) => (charge?.(0), {}) }, 1],
  ])('count the units of the %s against source and operator, and refuse only later calls', async (_, setup, units) => {
    for (const rate of [{ source: TWO }, { subject: TWO }]) {
      const { call, clock } = pipelineFixture(db, { ...setup, rate })
      expect(await refusalOf(call(bearer(own)))).toBeUndefined()
      clock.now = (units - 1) * 10_000 - 1
      if (units > 1) expect(await refusalOf(call(bearer(own)))).toBe('RATE_LIMITED')
      clock.now += 1
      expect(await refusalOf(call(bearer(own)))).toBeUndefined()
    }
  })

  it.each([
    [0, 1],
    [4_096, 1],
    [6_143, 1],
    [6_144, 2],
    [65_536, 31],
  ])('count a request of %i bytes as %i units, also if it cannot be read', async (bytes, units) => {
    const body = requestBody(() => new Uint8Array(bytes))
    for (const [rate, message, reason] of [
      [{ source: TWO }, {}, undefined],
      [{ source: TWO }, { reason: '\0' }, 'INVALID_ARGUMENT'],
      [{ subject: TWO }, {}, undefined],
    ] as const) {
      const { call, clock } = pipelineFixture(db, { rate })
      expect(await refusalOf(call(bearer(own), { body }, message))).toBe(reason)
      clock.now = (units - 1) * 10_000 - 1
      if (units > 1) expect(await refusalOf(call(bearer(own)))).toBe('RATE_LIMITED')
      clock.now += 1
      expect(await refusalOf(call(bearer(own)))).toBeUndefined()
    }
  })

  it('count units against what an anonymous call names', async () => {
    const policy: PipelineSetup['policy'] = { callers: ['anyone'], limitBy: 'agent', cost: () => 3 }
    const { call } = pipelineFixture(db, { policy, rate: { subject: TWO } })
    const from = (agent: string) => refusalOf(call(undefined, {}, { agent }))
    expect([await from('a-1'), await from('a-1'), await from('a-2')]).toEqual([undefined, 'RATE_LIMITED', undefined])
  })

  describe('of a method with limitWithout', () => {
    const PLENTY = { perMinute: 1e6, burst: 1e6 }
    const policy = {
      callers: ['anyone', 'operator'],
      limit: 'token',
      limitWithout: { field: 'attestation', limit: 'register' },
      limitBy: 'did',
    } as const
    const method = IdentityService.method.registerAgent
    const fixtureWith = (rates: NonNullable<PipelineSetup['rates']>) => {
      const { send } = pipelineFixture(db, { method, policy, rates, handler: async () => ({}) })
      return (hasEvidence: boolean, meta: { source?: string; authorization?: string } = {}) => {
        const attestation = hasEvidence ? { attestation: {} } : {}
        const fields = { operatorId: own.iss, did: 'a-1', ...attestation }
        return refusalOf(send(() => create(RegisterAgentRequestSchema, fields), meta))
      }
    }

    it('count calls without the field against the stricter group too, by their source', async () => {
      const send = fixtureWith({ register: { source: TWO, subject: PLENTY } })
      for (let n = 0; n < 4; n += 1) expect(await send(true)).toBeUndefined()
      for (const reason of [undefined, undefined, 'RATE_LIMITED']) expect(await send(false)).toBe(reason)
      expect(await send(true)).toBeUndefined()
      expect(await send(false, { source: '192.0.2.2' })).toBeUndefined()
    })

    it('count all calls against the usual group, by their source', async () => {
      const send = fixtureWith({ token: { source: TWO, subject: PLENTY } })
      for (const reason of [undefined, undefined, 'RATE_LIMITED']) expect(await send(true)).toBe(reason)
      expect(await send(false)).toBe('RATE_LIMITED')
    })

    it('count calls without the field against the stricter group by what they name, and by their operator', async () => {
      const send = fixtureWith({ register: { source: PLENTY, subject: TWO } })
      for (let n = 0; n < 4; n += 1) expect(await send(true)).toBeUndefined()
      for (const reason of [undefined, undefined, 'RATE_LIMITED']) expect(await send(false)).toBe(reason)
      for (const reason of [undefined, undefined, 'RATE_LIMITED']) {
        expect(await send(false, { authorization: bearer(own) })).toBe(reason)
      }
      expect(await send(true, { authorization: bearer(own) })).toBeUndefined()
    })
  })

  it('do not count calls of other callers that name an operator against that operator', async () => {
    const { call } = pipelineFixture(db, { policy: { limitBy: 'operatorId' }, rate: { subject: TWO } })
    for (let n = 0; n < 4; n += 1) expect(await refusalOf(call())).toBe('UNAUTHENTICATED')
    for (let n = 0; n < 4; n += 1) await refusalOf(call(bearer(foreign)))
    expect(await refusalOf(call(bearer(own)))).toBeUndefined()
  })
})

/** Returns a JWT with this claim `iss`. */
function jwtOf(iss: unknown): string {
  return `e30.${Buffer.from(JSON.stringify({ iss })).toString('base64url')}.c2ln`
}

describe('maxConcurrency and deadlineMs', () => {
  it('refuse a call with OVERLOADED while maxConcurrency calls run, and admit new ones when those end', async () => {
    const { gates, handler } = gate()
    const { call, observed } = pipelineFixture(db, { handler, deps: { maxConcurrency: 2 } })
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

  it('free the place of a call after every kind of refusal', async () => {
    const { call } = pipelineFixture(db, { deps: { maxConcurrency: 1 } })
    for (let n = 0; n < 3; n += 1) {
      expect(await refusalOf(call('nonsense'))).toBe('INVALID_ASSERTION')
      expect(await refusalOf(call())).toBe('UNAUTHENTICATED')
      expect(await refusalOf(call(bearer(foreign)))).toBe('PERMISSION_DENIED')
    }
    expect(await refusalOf(call(bearer(own)))).toBeUndefined()
  })

  it('end a call at its deadline, and keep its place until its handler ends', async () => {
    const { gates, handler } = gate()
    const { call, observed } = pipelineFixture(db, { handler, deps: { maxConcurrency: 1, deadlineMs: 50 } })
    expect(await refusalOf(call(bearer(own)))).toBe('DEADLINE_EXCEEDED')
    expect(await refusalOf(call(bearer(own)))).toBe('OVERLOADED')
    gates[0]?.reject(new Error('late'))
    await eventually(async () => expect(await refusalOf(call(bearer(own)))).toBe('DEADLINE_EXCEEDED'))
    gates[1]?.resolve()
    expect(observed.slice(0, 2)).toEqual(['DEADLINE_EXCEEDED', 'OVERLOADED'])
  })

  it('let a caller set a shorter deadline, but not a longer one', async () => {
    const { gates, handler } = gate()
    expect(await refusalOf(pipelineFixture(db, { handler }).call(bearer(own), { timeoutMs: 20 }))).toBe(
      'DEADLINE_EXCEEDED',
    )
    const short = pipelineFixture(db, { handler, deps: { deadlineMs: 20 } })
    expect(await refusalOf(short.call(bearer(own), { timeoutMs: 60_000 }))).toBe('DEADLINE_EXCEEDED')
    for (const { resolve } of gates) resolve()
  })

  it.each([0, -5])('do not start the handler when the deadline is %i ms away', async (timeoutMs) => {
    const handler = vi.fn(async () => ({}))
    expect(await refusalOf(pipelineFixture(db, { handler }).call(bearer(own), { timeoutMs }))).toBe('DEADLINE_EXCEEDED')
    expect(handler).not.toHaveBeenCalled()
  })
})
