import { randomBytes } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { GetAgentRequestSchema, IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { RevocationService, WatchRevocationsRequestSchema } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { connectTo, startInternalListener } from '../../test/support/internal-listener.ts'
import { requestBody } from '../calls/request-body.ts'
import type { Meta } from '../calls/rpc.ts'
import { readBody, writeBody } from './forwarded-body.ts'

const { getAgent } = IdentityService.method
const { watchRevocations } = RevocationService.method
const message = create(GetAgentRequestSchema, { did: 'did:x' })
const META: Meta = { requestId: 'r-1', source: '192.0.2.1', authorization: 'Bearer x', rpc: 'PUT /', body: undefined }
const LIMIT = 8 * 1024

async function connected() {
  const { rpc, address } = await startInternalListener()
  return { rpc, forward: connectTo([address]).forward }
}

describe('the body of a forwarded call', () => {
  it.each([0, 1, LIMIT, LIMIT + 1, 64 * 1024])('arrives with all of its %i bytes, beside the message', async (size) => {
    const { rpc, forward } = await connected()
    const bytes = randomBytes(size)
    const body = requestBody(() => bytes)
    await forward.unary(getAgent, message, { ...META, body })
    const { meta, request } = rpc.last()
    expect(request).toMatchObject({ did: 'did:x' })
    expect(Buffer.from(meta.body?.bytes() ?? []).equals(bytes)).toBe(true)
    expect(meta.body?.digest()).toBe(body.digest())
  })

  it('arrives together with as many headers as HTTP allows', async () => {
    const { rpc, forward } = await connected()
    const text = '"'.repeat(16 * 1024)
    const body = requestBody(() => Buffer.alloc(LIMIT, 1))
    const meta = { ...META, rpc: text.slice(0, 4_096), dpop: { text, method: 'PUT', url: '' }, body }
    await forward.unary(getAgent, message, meta)
    expect(rpc.last().meta.body?.bytes()).toHaveLength(LIMIT)
  })

  it.each([1, LIMIT + 1])('of %i bytes arrives with a stream', async (size) => {
    const { rpc, forward } = await connected()
    const bytes = Buffer.alloc(size, 7)
    const meta = { ...META, body: requestBody(() => bytes) }
    const stream = forward.stream(
      watchRevocations,
      create(WatchRevocationsRequestSchema),
      meta,
      new AbortController().signal,
    )
    for await (const _ of stream) break
    expect(rpc.last().meta.body?.bytes()).toHaveLength(size)
  })

  it('is not sent and not even read for a request without an assertion', async () => {
    const { rpc, forward } = await connected()
    const body = requestBody(() => {
      throw new Error('The body was read')
    })
    await forward.unary(getAgent, message, { ...META, authorization: undefined, body })
    expect(rpc.last().meta.body).toBeUndefined()
  })

  it('is undefined if the gateway does not send it', async () => {
    const { rpc, forward } = await connected()
    await forward.unary(getAgent, message, META)
    expect(rpc.last().meta.body).toBeUndefined()
  })

  it('that precedes the message makes the call unreadable for a process of an older version', async () => {
    const bytes = toBinary(GetAgentRequestSchema, create(GetAgentRequestSchema, { did: 'd'.repeat(LIMIT) }))
    const prefix = writeBody(new Metadata(), { ...META, body: requestBody(() => bytes) })
    const sent = Buffer.concat([prefix, toBinary(GetAgentRequestSchema, message)])
    expect(() => fromBinary(GetAgentRequestSchema, sent)).toThrow('illegal tag')
  })

  it.each(['2', '-1', '1e1', ' 1', '12345678', ''])('with the wrong length %j is refused', (length) => {
    const metadata = new Metadata()
    metadata.set('auth4agent-body-length', length)
    expect(() => readBody(metadata, Buffer.alloc(2))).toThrow()
  })
})
