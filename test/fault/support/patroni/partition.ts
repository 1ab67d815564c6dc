import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The nodes that are cut off from the others and from etcd. */
export type Isolated = Set<string>

/** A way to the REST interface of a node, as the other nodes see it. */
export interface RestLine {
  readonly port: number
  close(): Promise<void>
}

/**
 * Starts a way to the REST interface of the node `name`. While the node is isolated, no request is answered. While
 * another node is isolated, none of its questions whether it may stay the primary is answered: nobody else asks
 * /failsafe.
 */
export async function startRestLine(name: string, to: number, isolated: Isolated): Promise<RestLine> {
  const server = createServer((asked, answer) => {
    if (isolated.has(name) || (asked.url === '/failsafe' && isolated.size > 0)) return
    forward(asked, answer, to)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function forward(asked: IncomingMessage, answer: ServerResponse, port: number): void {
  const { method, url: path, headers } = asked
  const further = request({ host: '127.0.0.1', port, method, path, headers }, (found) => {
    answer.writeHead(found.statusCode ?? 502, found.headers)
    found.pipe(answer)
  })
  further.on('error', () => answer.destroy())
  asked.pipe(further)
}
