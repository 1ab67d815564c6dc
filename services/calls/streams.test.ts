import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { bearer } from '../../test/support/assertions.ts'
import { testDatabase } from '../../test/support/database.ts'
import { eventually } from '../../test/support/eventually.ts'
import { PARTIES, pipelineFixture } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { StreamCall } from './call.ts'
import type { StreamBounds } from './streams.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())
let seen = 0
const audit = async () => (await db.prisma.auditLog.findMany({ orderBy: { id: 'asc' } })).slice(seen)
beforeEach(async () => {
  seen = await db.prisma.auditLog.count()
})

const { own, foreign, admin } = PARTIES

/** A handler that sends one message and then waits until the stream ends. `ended` counts ended streams. */
function endless() {
  const state = { started: 0, ended: 0, calls: [] as StreamCall[] }
  const streamHandler = async function* (_request: unknown, call: StreamCall) {
    state.started += 1
    state.calls.push(call)
    try {
      yield { agentDid: 'first' }
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve))
    } finally {
      state.ended += 1
    }
  }
  return { state, streamHandler }
}

async function* three() {
  for (const agentDid of ['a', 'b', 'c']) yield { agentDid }
}

async function* failing() {
  yield { agentDid: 'first' }
  throw new ApiError('RESYNC_REQUIRED')
}

async function* faulty() {
  yield {}
  throw new Error('the inner secret')
}

describe('a stream', () => {
  it('sends whole messages in order, and is logged when it opens and when it ends', async () => {
    const { watch, lines, observed, labels } = pipelineFixture(db, { streamHandler: three })
    const stream = watch(bearer(own))
    const answers = [await stream.next(), await stream.next()]
    expect(lines.map(({ msg }) => msg)).toEqual(['stream opened'])
    answers.push(await stream.next(), await stream.next())
    expect(answers.map(({ value }) => value?.agentDid)).toEqual(['a', 'b', 'c', undefined])
    expect(answers[0]?.value).toMatchObject({ $typeName: 'auth4agent.v1.SuspendAgentResponse' })
    const facts = { rpc: 'IdentityService/SuspendAgent', source: '192.0.2.1', requestId: 'request-1' }
    expect(lines).toMatchObject([
      { msg: 'stream opened', ...facts },
      { msg: 'call', reason: 'OK', ...facts },
    ])
    expect([observed, labels]).toEqual([['OK'], ['IdentityService/SuspendAgent']])
  })

  it('gives its handler the principal and a signal', async () => {
    const { state, streamHandler } = endless()
    await pipelineFixture(db, { streamHandler }).watch(bearer(own)).next()
    expect(state.calls[0]).toMatchObject({ requestId: 'request-1', principal: { operatorId: own.iss } })
    expect(state.calls[0]?.signal.aborted).toBe(false)
  })

  it('does not start before its first message is requested, and never starts for a disconnected caller', async () => {
    const { state, streamHandler } = endless()
    const { watch, lines } = pipelineFixture(db, { streamHandler })
    watch(bearer(own))
    expect(await watch(bearer(own), {}, AbortSignal.abort()).next()).toMatchObject({ done: true })
    expect([state.started, lines]).toEqual([0, []])
  })

  it.each([
    ['an anonymous caller', undefined, 'UNAUTHENTICATED', 0],
    ['a caller with an invalid assertion', 'nonsense', 'INVALID_ASSERTION', 0],
    ['another operator', bearer(foreign), 'PERMISSION_DENIED', 1],
    ['the administrator', bearer(admin), 'PERMISSION_DENIED', 1],
  ])('is refused to %s with the same reason and audit as a call', async (_name, authorization, reason, audited) => {
    const { state, streamHandler } = endless()
    const { watch, observed, lines } = pipelineFixture(db, { streamHandler })
    expect(await refusalOf(watch(authorization).next())).toBe(reason)
    expect([observed, state.started]).toEqual([[reason], 0])
    expect(lines).toMatchObject([{ msg: 'call', reason }])
    const records = await audit()
    expect(records).toHaveLength(audited)
    for (const record of records) {
      expect(record).toMatchObject({ action: 'IdentityService/SuspendAgent', outcome: 'refused', reason })
    }
  })

  it('is refused for text that the database cannot store', async () => {
    const { streamHandler } = endless()
    const { watch } = pipelineFixture(db, { streamHandler })
    expect(await refusalOf(watch(bearer(own), {}, undefined, { reason: 'a\0' }).next())).toBe('INVALID_ARGUMENT')
  })

  it('counts against the rate limits of source and operator', async () => {
    const rate = { source: { perMinute: 6, burst: 2 } }
    const { watch } = pipelineFixture(db, { streamHandler: three, rate })
    for (const reason of [undefined, 'INVALID_ASSERTION', 'RATE_LIMITED']) {
      expect(await refusalOf(watch(reason === undefined ? bearer(own) : 'nonsense').next())).toBe(reason)
    }
    const slow = pipelineFixture(db, { streamHandler: three, rate: { subject: { perMinute: 6, burst: 1 } } })
    expect(await refusalOf(slow.watch(bearer(own), { source: '192.0.2.1' }).next())).toBeUndefined()
    expect(await refusalOf(slow.watch(bearer(own), { source: '192.0.2.2' }).next())).toBe('RATE_LIMITED')
  })

  it('throws the ApiError of its handler, and audits a refusal', async () => {
    const { watch, observed } = pipelineFixture(db, { streamHandler: failing })
    const stream = watch(bearer(own))
    expect((await stream.next()).value).toMatchObject({ agentDid: 'first' })
    expect(await refusalOf(stream.next())).toBe('RESYNC_REQUIRED')
    expect(observed).toEqual(['RESYNC_REQUIRED'])
    expect(await audit()).toMatchObject([{ operatorId: own.iss, outcome: 'refused', reason: 'RESYNC_REQUIRED' }])
  })

  it('logs a fault of its handler and does not show the cause to the caller', async () => {
    const { watch, lines } = pipelineFixture(db, { streamHandler: faulty })
    const stream = watch(bearer(own))
    await stream.next()
    await expect(stream.next()).rejects.toMatchObject({ reason: 'INTERNAL', message: 'The server failed' })
    expect(lines.find(({ msg }) => msg === 'The server failed')).toMatchObject({
      error: { message: 'the inner secret' },
    })
    expect(await audit()).toEqual([])
  })
})

describe('a stream, until its end', () => {
  it('ends when its caller disconnects while no message is requested, and frees the place', async () => {
    const { state, streamHandler } = endless()
    const { watch, observed } = pipelineFixture(db, { streamHandler, deps: { streamBounds: { max: 1, keptMs: 0 } } })
    const gone = new AbortController()
    const stream = watch(bearer(own), {}, gone.signal)
    await stream.next()
    expect(await refusalOf(watch(bearer(own)).next())).toBe('RATE_LIMITED')
    gone.abort()
    await eventually(() => expect(state.ended).toBe(1))
    expect(observed).toEqual(['RATE_LIMITED', 'OK'])
    expect(await refusalOf(watch(bearer(own)).next())).toBeUndefined()
    expect(await stream.next()).toMatchObject({ done: true })
  })

  it('ends when its caller disconnects while a message is requested', async () => {
    const { state, streamHandler } = endless()
    const gone = new AbortController()
    const stream = pipelineFixture(db, { streamHandler }).watch(bearer(own), {}, gone.signal)
    await stream.next()
    const next = stream.next()
    gone.abort()
    expect(await next).toMatchObject({ done: true })
    await eventually(() => expect(state.ended).toBe(1))
  })

  it('ends when its reader stops reading', async () => {
    const { state, streamHandler } = endless()
    const { watch, observed } = pipelineFixture(db, { streamHandler })
    const stream = watch(bearer(own))
    await stream.next()
    await stream.return?.()
    await eventually(() => expect(state.ended).toBe(1))
    expect([observed, state.calls[0]?.signal.aborted]).toEqual([['OK'], true])
  })

  it('ends at its maximum age, without an error', async () => {
    const { state, streamHandler } = endless()
    const deps = { streamBounds: { maxAgeMs: 50 } }
    const { watch, observed } = pipelineFixture(db, { streamHandler, deps })
    const stream = watch(bearer(own), { timeoutMs: 60_000 })
    await stream.next()
    expect(await stream.next()).toMatchObject({ done: true })
    await eventually(() => expect(state.ended).toBe(1))
    expect(observed).toEqual(['OK'])
  })

  it.each([true, false])("ends at its caller's deadline (a message is requested: %s)", async (isAwaited) => {
    const { state, streamHandler } = endless()
    const { watch, observed } = pipelineFixture(db, { streamHandler })
    const stream = watch(bearer(own), { timeoutMs: 50 })
    await stream.next()
    if (!isAwaited) await eventually(() => expect(state.ended).toBe(1))
    expect(await refusalOf(stream.next())).toBe('DEADLINE_EXCEEDED')
    expect(observed).toEqual(['CALLER_DEADLINE'])
  })

  it('ends before its handler starts when the deadline has passed', async () => {
    const { state, streamHandler } = endless()
    const { watch } = pipelineFixture(db, { streamHandler })
    expect(await refusalOf(watch(bearer(own), { timeoutMs: 0 }).next())).toBe('DEADLINE_EXCEEDED')
    expect(state.started).toBe(0)
  })

  it('keeps its place while its handler does not end', async () => {
    const stuck = Promise.withResolvers<void>()
    const streamHandler = async function* () {
      yield {}
      await stuck.promise
    }
    const { watch } = pipelineFixture(db, { streamHandler, deps: { streamBounds: { max: 1, keptMs: 0 } } })
    const gone = new AbortController()
    const stream = watch(bearer(own), {}, gone.signal)
    await stream.next()
    const next = stream.next()
    gone.abort()
    await next
    expect(await refusalOf(watch(bearer(own)).next())).toBe('RATE_LIMITED')
    stuck.resolve()
    await eventually(async () => expect(await refusalOf(watch(bearer(own)).next())).toBeUndefined())
  })
})

/** Returns a function that opens a stream for an assertion and a source. */
function asker(streamBounds: Partial<StreamBounds>) {
  const { streamHandler, state } = endless()
  const { watch } = pipelineFixture(db, { streamHandler, policy: { own: 'none' }, deps: { streamBounds } })
  const ask = (authorization: string, n: number, signal?: AbortSignal) =>
    refusalOf(watch(authorization, { source: `192.0.2.${n}` }, signal).next())
  return { ask, state }
}

async function* refusedElsewhere() {
  yield await Promise.reject(new ApiError('UNAUTHENTICATED'))
}

describe('the places of streams', () => {
  it('are limited for one principal over all its sources, so that other principals get places', async () => {
    const { ask } = asker({ max: 20 })
    for (let n = 0; n < 4; n += 1) expect(await ask(bearer(own), n)).toBeUndefined()
    expect(await ask(bearer(own), 9)).toBe('RATE_LIMITED')
    for (let n = 0; n < 3; n += 1) expect(await ask(bearer(foreign), 9)).toBeUndefined()
  })

  it('are limited in total, and one source gets at most half of them', async () => {
    const { ask } = asker({ max: 4, principalPart: 4 })
    const from = (n: number) => ask(bearer(own), n)
    const reasons = [await from(1), await from(1), await from(1), await from(2), await from(3), await from(4)]
    expect(reasons).toEqual([undefined, undefined, 'RATE_LIMITED', undefined, undefined, 'RATE_LIMITED'])
  })

  it('are 2048 by default, of which a single principal gets 410', async () => {
    const { ask } = asker({})
    for (let n = 0; n < 410; n += 1) expect(await ask(bearer(own), n % 200)).toBeUndefined()
    expect(await ask(bearer(own), 200)).toBe('RATE_LIMITED')
  })

  it('stay reserved, after a stream ends, for the same source and principal', async () => {
    const { ask, state } = asker({ max: 2, principalPart: 4 })
    const gone = new AbortController()
    expect(await ask(bearer(own), 1, gone.signal)).toBeUndefined()
    expect(await ask(bearer(foreign), 2)).toBeUndefined()
    gone.abort()
    await eventually(() => expect(state.ended).toBe(1))
    expect(await ask(bearer(foreign), 3)).toBe('RATE_LIMITED')
    expect(await ask(bearer(own), 1)).toBeUndefined()
  })

  it('are free again after every kind of refusal', async () => {
    const { streamHandler } = endless()
    const { watch } = pipelineFixture(db, { streamHandler, deps: { streamBounds: { max: 1 } } })
    for (let n = 0; n < 3; n += 1) {
      for (const authorization of [undefined, 'nonsense', bearer(foreign)]) {
        expect(await refusalOf(watch(authorization).next())).not.toBe('RATE_LIMITED')
      }
    }
    expect(await refusalOf(watch(bearer(own)).next())).toBeUndefined()
  })

  it('are separate for lasting and for brief streams', async () => {
    const { watchRevocations: method } = RevocationService.method
    const { streamHandler } = endless()
    const streamBounds = { max: 1, maxBrief: 1 }
    const { watch } = pipelineFixture(db, { method, streamHandler, policy: { own: 'none' }, deps: { streamBounds } })
    const ask = (authorization: string, fields: object) => refusalOf(watch(authorization, {}, undefined, fields).next())
    expect(await ask(bearer(own), {})).toBeUndefined()
    expect(await ask(bearer(foreign), {})).toBe('RATE_LIMITED')
    expect(await ask(bearer(foreign), { untilHead: true })).toBeUndefined()
    expect(await ask(bearer(own), { untilHead: true })).toBe('RATE_LIMITED')
  })

  it('do not stay reserved for a caller that the other process refuses', async () => {
    const forwards = [
      { services: [IdentityService], unary: () => Promise.reject(new Error('no call')), stream: refusedElsewhere },
    ]
    const { watch } = pipelineFixture(db, { forwards, deps: { streamBounds: { max: 1 } } })
    for (const n of [1, 2, 3])
      expect(await refusalOf(watch('nonsense', { source: `192.0.2.${n}` }).next())).toBe('UNAUTHENTICATED')
  })
})
