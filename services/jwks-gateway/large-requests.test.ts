import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { create, toBinary } from '@bufbuild/protobuf'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { Metadata, type ServiceError } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AdmitAgentRequestSchema, AgentMoveService } from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { startGateway, type TestGateway } from '../../test/support/gateway.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { until } from '../../test/support/until.ts'

const PATH = '/v1/operators/11111111-1111-8111-8111-111111111111/agents/admit'
const LIMIT = 256 * 1024
const PLACES_OF_SOURCE = 8

const admit = (url: string, body: string) =>
  fetch(url + PATH, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
/** A body of exactly this many bytes. */
const padded = (bytes: number) => `{"label":"${'a'.repeat(bytes - 12)}"}`

describe('AdmitAgent', () => {
  it('accepts 256 KiB over REST, and refuses one byte more', async () => {
    const { url, rpc } = await startGateway()
    expect((await admit(url, padded(LIMIT))).status).toBe(201)
    const refused = await admit(url, padded(LIMIT + 1))
    expect([refused.status, await refused.json()]).toMatchObject([413, { reason: 'BODY_TOO_LARGE' }])
    expect(rpc.calls).toHaveLength(1)
  })

  it('accepts more than 64 KiB over Connect, and refuses more than 256 KiB', async () => {
    const { url, rpc } = await startGateway()
    const client = createClient(AgentMoveService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }))
    await client.admitAgent({ label: 'a'.repeat(200_000) })
    await expect(client.admitAgent({ label: 'a'.repeat(270_000) })).rejects.toThrow('[resource_exhausted]')
    expect(rpc.calls).toHaveLength(1)
  })

  it('accepts more than 64 KiB over gRPC, and refuses more than 256 KiB', async () => {
    const { rpc, client } = await startGrpcServer()
    const send = (label: string) => {
      const bytes = Buffer.from(toBinary(AdmitAgentRequestSchema, create(AdmitAgentRequestSchema, { label })))
      const { promise, resolve } = Promise.withResolvers<ServiceError | null>()
      const path = '/auth4agent.v1.AgentMoveService/AdmitAgent'
      client.makeUnaryRequest(path, same, same, bytes, new Metadata(), resolve)
      return promise
    }
    expect(await send('a'.repeat(200_000))).toBeNull()
    expect((await send('a'.repeat(270_000)))?.message).toContain('RESOURCE_EXHAUSTED')
    expect(rpc.calls).toHaveLength(1)
  })

  it('refuses a source that has eight open requests, until one of them ends', async () => {
    const gateway = await startGateway()
    const open = await Promise.all(Array.from({ length: PLACES_OF_SOURCE }, () => beginAdmit(gateway)))
    const refused = await until(
      () => admit(gateway.url, '{}'),
      ({ status }) => status === 503,
    )
    expect(await refused.json()).toMatchObject({ reason: 'OVERLOADED' })
    expect(refused.headers.get('retry-after')).toBe('1')
    open[0]?.destroy()
    await until(
      () => admit(gateway.url, '{}'),
      ({ status }) => status === 201,
    )
  })
})

const same = (bytes: Buffer) => bytes

/** Opens a request whose body never ends. */
async function beginAdmit({ port }: TestGateway): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`)
  return socket
}
