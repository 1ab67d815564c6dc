import { create, type DescMethod, type Message } from '@bufbuild/protobuf'
import { afterAll, describe, expect, it } from 'vitest'
import { IdentityService, SuspendAgentResponseSchema } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { testDatabase } from '../../test/support/database.ts'
import { pipelineFixture } from '../../test/support/pipeline.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { requestBody } from './request-body.ts'
import type { Forward, Meta } from './rpc.ts'

const database = await testDatabase()
const { db } = database
afterAll(() => database.drop())

interface Sent {
  readonly method: DescMethod
  readonly request: Message
  readonly meta: Meta
}

const answer = (agentDid: string): Message => create(SuspendAgentResponseSchema, { agentDid })

/** Another process that gives a fixed answer and records its calls. */
function elsewhere(error?: ApiError) {
  const sent: Sent[] = []
  const aborted: boolean[] = []
  const forward: Forward = {
    services: [IdentityService],
    async unary(method, request, meta) {
      sent.push({ method, request, meta })
      if (error !== undefined) throw error
      return answer('there')
    },
    async *stream(method, request, meta, signal) {
      sent.push({ method, request, meta })
      if (error !== undefined) throw error
      try {
        yield answer('first')
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      } finally {
        aborted.push(signal.aborted)
      }
    },
  }
  return { sent, aborted, forwards: [forward] }
}

const unread = () => {
  throw new ApiError('INVALID_ARGUMENT')
}

describe('a forwarded method', () => {
  it('is called with the facts about the caller, who is not authenticated in this process', async () => {
    const { sent, forwards } = elsewhere()
    const { rpc, call, lines, observed } = pipelineFixture(db, { forwards })
    expect(rpc.services).toEqual([IdentityService])
    expect(await call('nonsense')).toMatchObject({ agentDid: 'there' })
    expect(sent).toMatchObject([
      {
        method: IdentityService.method.suspendAgent,
        request: { agent: 'a-1' },
        meta: { requestId: 'request-1', source: '192.0.2.1', authorization: 'nonsense', timeoutMs: 5_000 },
      },
    ])
    expect(lines).toMatchObject([{ msg: 'call', rpc: 'IdentityService/SuspendAgent', reason: 'OK' }])
    expect(observed).toEqual(['OK'])
  })

  it("gets the caller's deadline", async () => {
    const { sent, forwards } = elsewhere()
    await pipelineFixture(db, { forwards }).call(undefined, { timeoutMs: 700 })
    expect(sent[0]?.meta.timeoutMs).toBe(700)
  })

  it('throws the error of the other process without an entry in the audit', async () => {
    const error = new ApiError('RATE_LIMITED', 'slowly', { retryAfter: 3 })
    const { call, observed } = pipelineFixture(db, { forwards: elsewhere(error).forwards })
    await expect(call()).rejects.toBe(error)
    expect(observed).toEqual(['RATE_LIMITED'])
    expect(await db.prisma.auditLog.count()).toBe(0)
  })

  it.each(['call', 'watch'] as const)('is not called by a %s whose message cannot be read or stored', async (kind) => {
    const { sent, forwards } = elsewhere()
    const { rpc, call, watch } = pipelineFixture(db, { forwards })
    const bad = { reason: 'a\0' }
    const answer = kind === 'call' ? call(undefined, {}, bad) : watch(undefined, {}, undefined, bad).next()
    expect(await refusalOf(answer)).toBe('INVALID_ARGUMENT')
    const meta = { requestId: '', source: '', authorization: undefined, rpc: '', body: undefined }
    expect(await refusalOf(rpc.invoke(IdentityService.method.getAgent, unread, meta))).toBe('INVALID_ARGUMENT')
    expect(sent).toEqual([])
  })

  it.each(['call', 'watch'] as const)(
    'is not called by a %s when its source makes far too many calls',
    async (kind) => {
      const { sent, forwards } = elsewhere()
      const fixture = pipelineFixture(db, { forwards, rate: { source: { perMinute: 6, burst: 1 } } })
      const ask = () => refusalOf(kind === 'call' ? fixture.call() : fixture.watch().next())
      expect([await ask(), await ask()]).toEqual([undefined, 'RATE_LIMITED'])
      expect(sent).toHaveLength(1)
    },
  )

  it('is called less often when its source sends large requests', async () => {
    const { forwards } = elsewhere()
    const { call, clock } = pipelineFixture(db, { forwards, rate: { source: { perMinute: 60, burst: 1 } } })
    const body = requestBody(() => new Uint8Array(64 * 1_024))
    expect(await refusalOf(call(undefined, { body }))).toBeUndefined()
    clock.now = 30_999
    expect(await refusalOf(call())).toBe('RATE_LIMITED')
    clock.now = 31_000
    expect(await refusalOf(call())).toBeUndefined()
  })

  it('ends at its deadline, and keeps its place in maxConcurrency until the other process answers', async () => {
    const stuck: Forward = { ...elsewhere().forwards[0], unary: () => new Promise(() => {}) } as Forward
    const { call } = pipelineFixture(db, { forwards: [stuck], deps: { maxConcurrency: 1, deadlineMs: 50 } })
    expect(await refusalOf(call())).toBe('DEADLINE_EXCEEDED')
    expect(await refusalOf(call())).toBe('OVERLOADED')
  })

  it('ends its stream when the caller disconnects', async () => {
    const { aborted, forwards } = elsewhere()
    const { watch, observed } = pipelineFixture(db, { forwards })
    const gone = new AbortController()
    const stream = watch(undefined, {}, gone.signal)
    expect((await stream.next()).value).toMatchObject({ agentDid: 'first' })
    const next = stream.next()
    gone.abort()
    expect(await next).toMatchObject({ done: true })
    expect([aborted, observed]).toEqual([[true], ['OK']])
  })

  it('gives at most half of the places for streams to one source', async () => {
    const { watch } = pipelineFixture(db, { forwards: elsewhere().forwards, deps: { streamBounds: { max: 4 } } })
    const from = (n: number) => refusalOf(watch(undefined, { source: `192.0.2.${n}` }).next())
    expect([await from(1), await from(1), await from(1), await from(2)]).toEqual([
      undefined,
      undefined,
      'RATE_LIMITED',
      undefined,
    ])
  })

  it('throws the error when the other process refuses a stream', async () => {
    const { watch } = pipelineFixture(db, { forwards: elsewhere(new ApiError('UNAUTHENTICATED')).forwards })
    expect(await refusalOf(watch().next())).toBe('UNAUTHENTICATED')
  })
})
