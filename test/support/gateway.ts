import { createConnection } from 'node:net'
import { Registry } from 'prom-client'
import { onTestFinished } from 'vitest'
import { statusRefusals } from '../../services/authn/refuse-by-status.ts'
import type { HttpPortConfig } from '../../services/http-port/config.ts'
import { didResolution } from '../../services/identity/did-resolution.ts'
import { createGateway, type GatewayConfig, type GatewayDeps } from '../../services/jwks-gateway/index.ts'
import type { Logger } from '../../services/platform/log/log.ts'
import { type FakeRpc, fakeRpc } from './fake-rpc.ts'

/** A gateway with real sockets, in front of a fake Rpc. */
export interface TestGateway {
  readonly url: string
  readonly port: number
  readonly rpc: FakeRpc
  close(): Promise<void>
}

/** The configuration of an HTTP port in tests. */
export const HTTP_PORT_CONFIG: HttpPortConfig = {
  baseUrl: 'http://localhost:8080',
  host: '127.0.0.1',
  port: 0,
  trustedProxies: [],
  requestTimeoutMs: 10_000,
  maxConnections: 4096,
  maxSourceConnections: 4096,
}

const CONFIG: GatewayConfig = {
  ...HTTP_PORT_CONFIG,
  bodyLimit: 64 * 1024,
  protocol: {
    challengeTtlS: { default: 300, min: 30, max: 600 },
    tokenTtlS: { default: 900, min: 30, max: 3600 },
    clockSkewS: 10,
    assertionTtlMaxS: 300,
  },
}

/** A logger that writes nothing. */
export const silentLog: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Returns the dependencies of a gateway in front of a fake Rpc. */
export function gatewayDeps(config: Partial<GatewayConfig> = {}): Omit<GatewayDeps, 'rpc'> {
  return {
    config: { ...CONFIG, ...config },
    log: silentLog,
    metrics: new Registry(),
    ready: () => [],
    connectionClosed: () => undefined,
    representations: didResolution,
    statusRefusals,
  }
}

/** Starts a gateway that ends with the test. */
export async function startGateway(
  config: Partial<GatewayConfig> = {},
  deps: Partial<GatewayDeps> = {},
): Promise<TestGateway> {
  const rpc = fakeRpc()
  const gateway = createGateway({ rpc, ...gatewayDeps(config), ...deps })
  const { port } = await gateway.listen()
  onTestFinished(() => gateway.close())
  return { url: `http://127.0.0.1:${port}`, port, rpc, close: () => gateway.close() }
}

/** Sends bytes on a plain socket. Resolves with everything that the server sends until it closes the connection. */
export async function rawExchange(port: number, text: string | Uint8Array): Promise<string> {
  const socket = createConnection(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  socket.write(text)
  return promise
}
