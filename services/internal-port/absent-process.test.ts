import { createServer } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it, onTestFinished } from 'vitest'
import { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import {
  GetAgentRequestSchema,
  IdentityService,
  RegisterAgentRequestSchema,
} from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { CAUSE } from '../../test/support/cause.ts'
import { freePort } from '../../test/support/free-port.ts'
import { connectTo, startInternalListener } from '../../test/support/internal-listener.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { until } from '../../test/support/until.ts'
import type { Meta } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'
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

/**
 * Starts two listeners. The first never answers, and its connection breaks while it has a call. Resolves with the
 * outcomes of all calls.
 */
async function breaking(method: typeof getAgent | typeof registerAgent) {
  const [one, two] = [await startInternalListener(), await startInternalListener()]
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(one.address.split(':')[1]) })
  onTestFinished(() => proxy.close())
  one.rpc.answer(method as typeof getAgent, () => new Promise(() => undefined))
  const { forward } = connectTo([`127.0.0.1:${proxy.port}`, two.address])
  const request = method === getAgent ? read : write
  // When both are connected, calls go to both in turn.
  const calls: Promise<string>[] = []
  await until(
    async () => {
      calls.push(reasonOf(forward.unary(method, request, META)))
      return one.rpc.calls.length
    },
    (count) => count > 0,
  )
  await proxy.cut()
  return new Set(await Promise.all(calls))
}

describe('a connection that breaks during a call', () => {
  it('has no effect on a call that only reads, because the call is sent again', async () => {
    expect(await breaking(getAgent)).toEqual(new Set(['OK']))
  })

  it('makes a call that may have changed something reject with UNAVAILABLE', async () => {
    expect(await breaking(registerAgent)).toContain('UNAVAILABLE')
  })
})

describe('an absent process', () => {
  it('makes calls reject with UNAVAILABLE at once, and is used again when it returns', async () => {
    const port = await freePort()
    const { operators, channel } = connectTo([`127.0.0.1:${port}`])
    expect(await reasonOf(operators.lookupOperator(lookup, CAUSE))).toBe('UNAVAILABLE')
    expect(channel.isConnected()).toBe(false)
    await startInternalListener({ place: { host: '127.0.0.1', port } })
    await until(
      async () => channel.isConnected(),
      (isConnected) => isConnected,
      3_000,
    )
    expect(await reasonOf(operators.lookupOperator(lookup, CAUSE))).toBe('OK')
  })

  it('makes calls reject with UNAVAILABLE at the deadline if its port accepts connections but sends nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    const address = await until(
      async () => silent.address(),
      (found) => found !== null,
    )
    const port = typeof address === 'object' ? address?.port : 0
    const { channel } = connectTo([`127.0.0.1:${port}`])
    const operators = remoteClient(OperatorDirectoryService, channel, 200)
    expect(await reasonOf(operators.lookupOperator(lookup, CAUSE))).toBe('UNAVAILABLE')
  })

  it('makes no call fail if another address of the service works, whether it is an IP address or a name', async () => {
    const one = await startInternalListener()
    const port = Number(one.address.split(':')[1])
    const dead = await freePort()
    const { operators, channel } = connectTo([`127.0.0.1:${dead}`, `localhost:${port}`, `127.0.0.1:${dead}`])
    await until(
      async () => channel.isConnected(),
      (isConnected) => isConnected,
    )
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => reasonOf(operators.lookupOperator(lookup, CAUSE))),
    )
    expect(new Set(outcomes)).toEqual(new Set(['OK']))
  })
})

describe('two processes of a service', () => {
  it('share the calls evenly', async () => {
    const [one, two] = [await startInternalListener(), await startInternalListener()]
    const { operators } = connectTo([one.address, two.address])
    const isBusy = async () => {
      await operators.lookupOperator(lookup, CAUSE)
      return [one.seen.length, two.seen.length]
    }
    await until(isBusy, (counts) => Math.min(...counts) > 0)
    const before = [one.seen.length, two.seen.length]
    for (let count = 0; count < 20; count += 1) await operators.lookupOperator(lookup, CAUSE)
    expect([one.seen.length, two.seen.length]).toEqual(before.map((count) => count + 10))
  })
})

describe('a process that closes', () => {
  it('refuses new calls, and finishes running calls before it closes', async () => {
    const { rpc, address, close } = await startInternalListener()
    const { forward } = connectTo([address])
    const gate = Promise.withResolvers<object>()
    rpc.answer(registerAgent, () => gate.promise)
    const call = reasonOf(forward.unary(registerAgent, write, META))
    await until(
      async () => rpc.calls.length,
      (count) => count === 1,
    )
    let isClosed = false
    const closed = close().finally(() => {
      isClosed = true
    })
    expect(await reasonOf(forward.unary(registerAgent, write, META))).toBe('UNAVAILABLE')
    expect(isClosed).toBe(false)
    gate.resolve({})
    expect(await call).toBe('OK')
    await closed
  })
})
