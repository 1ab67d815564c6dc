import { Client, credentials } from '@grpc/grpc-js'
import { onTestFinished } from 'vitest'
import { createGrpcServer, type GrpcServerDeps } from '../../services/grpc-port/server.ts'
import { fakeRpc } from './fake-rpc.ts'
import { silentLog } from './gateway.ts'

/** Starts a gRPC port in front of a fake Rpc, with a plain client. Both end with the test. */
export async function startGrpcServer(deps: Partial<GrpcServerDeps> = {}, channel = credentials.createInsecure()) {
  const rpc = fakeRpc()
  const server = createGrpcServer({
    rpc,
    issuer: 'https://auth.example',
    host: '127.0.0.1',
    port: 0,
    trustedProxies: [],
    requestTimeoutMs: 10_000,
    maxStreams: 1000,
    maxConnections: 4096,
    maxSourceConnections: 256,
    connectionClosed: () => undefined,
    log: silentLog,
    ...deps,
  })
  const { port } = await server.listen()
  const client = new Client(`localhost:${port}`, channel)
  onTestFinished(async () => {
    client.close()
    await server.close()
  })
  return { rpc, server, client, port }
}
