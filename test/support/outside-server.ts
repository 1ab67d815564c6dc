import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'
import { createOutbound, type OutboundDeps } from '../../services/platform/outbound/outbound.ts'

/** A server outside the deployment, on 127.0.0.1. */
export interface OutsideServer {
  readonly port: number
  /** Requests so far. */
  readonly requests: readonly IncomingMessage[]
  /** Connections so far, including those without a request. */
  readonly connections: () => number
}

/** Starts a server that lives as long as the test. It answers with TLS if it gets a certificate. */
export async function startOutside(answer: RequestListener, tls?: TlsOptions): Promise<OutsideServer> {
  const requests: IncomingMessage[] = []
  let connections = 0
  const listener = (request: IncomingMessage, response: ServerResponse & { req: IncomingMessage }) => {
    requests.push(request)
    answer(request, response)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.on('connection', () => {
    connections += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { port, requests, connections: () => connections }
}

/** Creates an Outbound that lives as long as the test, and the list of its outcomes. */
export function openOutbound(deps: Partial<OutboundDeps> = {}) {
  const outcomes: string[] = []
  const outbound = createOutbound({
    allow: [],
    testDomains: true,
    outcome: (outcome) => outcomes.push(outcome),
    now: () => performance.now(),
    ...deps,
  })
  onTestFinished(() => outbound.close())
  return { outbound, outcomes }
}

/** Returns an answer of JSON. */
export const json =
  (value: unknown, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }
