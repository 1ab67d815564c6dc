import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import {
  GetAgentRequestSchema,
  IdentityService,
  RegisterAgentRequestSchema,
} from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { connectTo, startInternalListener } from '../../test/support/internal-listener.ts'
import type { Meta } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ReasonCode } from '../platform/errors/reasons.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import type { InternalService } from './handlers.ts'
import { remoteClient } from './transport.ts'

const { getAgent, registerAgent } = IdentityService.method
const META: Meta = {
  requestId: 'r-1',
  source: '192.0.2.1',
  authorization: undefined,
  rpc: 'GET /v1/agent/x',
  body: undefined,
}
const read = create(GetAgentRequestSchema, { did: 'did:x' })
const write = create(RegisterAgentRequestSchema)
const lookup = { by: { case: 'id' as const, value: 'a' } }
const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'OK',
    (error: unknown) => (error instanceof ApiError ? error.reason : String(error)),
  )

const same = (bytes: Buffer) => bytes

describe('forwarded calls', () => {
  it('carry the metadata of their caller byte for byte', async () => {
    const { rpc, address } = await startInternalListener()
    const { forward } = connectTo([address])
    const rest = { authorization: 'Bearer é\t,', approvals: 'a.b.c , ü,', rpc: 'GET /v1/ü%00 ,"' }
    const facts = { requestId: 'r-2', source: '2001:db8::1', ...rest }
    await forward.unary(getAgent, read, { ...facts, body: undefined })
    expect(rpc.last()).toMatchObject({ method: getAgent, request: { did: 'did:x' }, meta: facts })
    expect(rpc.last().meta.isPage).toBeUndefined()
    await forward.unary(getAgent, read, { ...META, isPage: true })
    expect(rpc.last().meta.isPage).toBe(true)
    await forward.unary(getAgent, read, META)
    expect(rpc.last().meta.authorization).toBeUndefined()
    expect(rpc.last().meta.approvals).toBeUndefined()
  })

  it('carry their deadline', async () => {
    const { rpc, address } = await startInternalListener()
    const { forward } = connectTo([address])
    await forward.unary(getAgent, read, { ...META, timeoutMs: 2_000 })
    expect(rpc.last().meta.timeoutMs).toBeGreaterThan(500)
    expect(rpc.last().meta.timeoutMs).toBeLessThanOrEqual(2_000)
    rpc.answer(getAgent, () => new Promise(() => undefined))
    expect(await reasonOf(forward.unary(getAgent, read, { ...META, timeoutMs: 50 }))).toBe('DEADLINE_EXCEEDED')
  })

  it.each<[ReasonCode, string | undefined, number | undefined]>([
    ['AGENT_NOT_FOUND', undefined, undefined],
    ['INVALID_ARGUMENT', 'did: ü is malformed', undefined],
    ['RATE_LIMITED', undefined, 7],
    ['OVERLOADED', 'too much', 1],
    ['UNAVAILABLE', undefined, 1],
    ['DEADLINE_EXCEEDED', undefined, undefined],
    ['INTERNAL', undefined, undefined],
  ])('reject with the thrown error: %s with detail %j and Retry-After %j', async (reason, detail, retryAfter) => {
    const { rpc, address } = await startInternalListener()
    const { forward } = connectTo([address])
    const thrown = new ApiError(reason, detail, retryAfter === undefined ? {} : { retryAfter })
    rpc.answer(registerAgent, () => Promise.reject(thrown))
    const error: unknown = await forward.unary(registerAgent, write, META).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ reason, message: thrown.message, retryAfter })
  })

  it('are not sent again after an answer, even if the answer is an error', async () => {
    const { rpc, address } = await startInternalListener()
    const { forward } = connectTo([address])
    rpc.answer(getAgent, () => Promise.reject(new ApiError('OVERLOADED')))
    expect(await reasonOf(forward.unary(getAgent, read, META))).toBe('OVERLOADED')
    expect(rpc.calls).toHaveLength(1)
  })

  it('are refused without the metadata of their caller', async () => {
    const { rpc, address } = await startInternalListener()
    const { channel } = connectTo([address])
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const path = '/auth4agent.v1.IdentityService/GetAgent'
    channel.take().client.makeUnaryRequest(path, same, same, Buffer.alloc(0), resolve)
    expect(await promise).toMatchObject({ code: 13 })
    expect(rpc.calls).toEqual([])
  })
})

describe('calls between services', () => {
  it('carry the id of their request', async () => {
    const ids: string[] = []
    const handlers: InternalHandlers<typeof OperatorDirectoryService> = {
      async lookupOperator(_request, { requestId }) {
        ids.push(requestId)
        return {}
      },
      lookupAudienceOwner: async () => ({}),
    }
    const { address } = await startInternalListener({ internal: [{ service: OperatorDirectoryService, handlers }] })
    const { operators } = connectTo([address])
    await operators.lookupOperator(lookup, { requestId: 'request-7' })
    expect(ids).toEqual(['request-7'])
  })

  it('have a deadline at the called process, and a deadline at the caller', async () => {
    const handlers = {
      lookupOperator: () => new Promise<Record<string, unknown>>(() => undefined),
      lookupAudienceOwner: async () => ({}),
    }
    const internal: InternalService[] = [{ service: OperatorDirectoryService, handlers }]
    const { address } = await startInternalListener({ internal, deadlineMs: 50 })
    const { operators } = connectTo([address])
    expect(await reasonOf(operators.lookupOperator(lookup, CAUSE))).toBe('DEADLINE_EXCEEDED')
    const { address: slow } = await startInternalListener({ internal })
    const { channel } = connectTo([slow])
    const hasty = remoteClient(OperatorDirectoryService, channel, 50)
    expect(await reasonOf(hasty.lookupOperator(lookup, CAUSE))).toBe('DEADLINE_EXCEEDED')
  })
})
