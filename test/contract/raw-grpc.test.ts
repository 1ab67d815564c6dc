import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { NOBODY } from './cases/valid-requests.ts'
import { grpcPath } from './support/grpc.ts'
import { assertionOf } from './support/refusal.ts'
import { expectNoErrorLines, useWorld } from './support/run-cases.ts'

const world = useWorld()
const LIMIT = 64 * 1024
const get = grpcPath(OperatorRegistryService.method.getOperator)

/** Makes a call, and expects that the call changes nothing. */
async function call(path: string, message: Uint8Array, metadata: Readonly<Record<string, string>> = {}) {
  const before = await world().snapshot('')
  const answer = await world().grpc.call(path, message, metadata)
  expect(await world().snapshot('')).toEqual(before)
  return answer
}

describe('a gRPC call of an unknown method', () => {
  it.each([
    '/auth4agent.v1.OperatorRegistryService/Nope',
    '/auth4agent.v1.OperatorRegistryService/getOperator',
    '/auth4agent.v1.OperatorRegistryService/__proto__',
    '/auth4agent.v1.NoService/GetOperator',
    '/auth4agent.v1.OperatorRegistryService',
    '/__proto__/constructor',
    '/auth4agent.internal.v1.OperatorDirectoryService/LookupOperator',
    '/auth4agent.internal.v1.OperatorDirectoryService/LookupAudienceOwner',
    '/auth4agent.internal.v1.AgentDirectoryService/LookupAgent',
    '/auth4agent.internal.v1.TokenStatusService/CheckToken',
    '/',
  ])('gets UNIMPLEMENTED: %s', async (path) => {
    expect((await call(path, new Uint8Array())).code).toBe(status.UNIMPLEMENTED)
  })
})

/** Builds a message of this many bytes with a single field. */
function padded(bytes: number): Buffer {
  const length = bytes - 4
  const message = Buffer.alloc(bytes, 'a')
  message.set([(1 << 3) | 2, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14])
  return message
}

describe('the gRPC port', () => {
  it('accepts a message of 64 KiB', async () => {
    expect(await call(get, padded(LIMIT))).toMatchObject({ reason: 'OPERATOR_NOT_FOUND' })
  })

  it.each([LIMIT + 1, 1024 * 1024])('refuses a message of %i bytes', async (bytes) => {
    expect((await call(get, padded(bytes))).code).toBe(status.RESOURCE_EXHAUSTED)
  })

  it('refuses metadata of more than 16 KiB in total', async () => {
    const entries = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`x-${index}`, 'a'.repeat(1000)]))
    expect(await call(get, new Uint8Array(), entries)).toMatchObject({ reason: 'HEADERS_TOO_LARGE' })
  })
})

describe('an assertion for a gRPC call', () => {
  const { suspendOperator } = OperatorRegistryService.method
  const message = Buffer.concat([Buffer.from([0x0a, NOBODY.length]), Buffer.from(NOBODY)])
  it.each([
    ['the REST path', `POST /v1/operators/${NOBODY}/suspend`],
    ['the path with its slash', grpcPath(suspendOperator)],
    ['another method', 'auth4agent.v1.OperatorRegistryService/ReinstateOperator'],
    ['the method alone', 'SuspendOperator'],
    ['the method in lower case', 'auth4agent.v1.operatorregistryservice/suspendoperator'],
  ])('is refused when it names %s', async (_, rpc) => {
    const authorization = assertionOf(world().admin, rpc)
    const answer = await call(grpcPath(suspendOperator), message, { authorization })
    expect(answer).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'INVALID_ASSERTION' })
  })
})

expectNoErrorLines(world)
