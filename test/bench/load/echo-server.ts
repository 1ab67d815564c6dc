import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A server for tests of load generators. */
export interface EchoServer {
  readonly url: string
  /** Content type and body of each request, in the order of arrival. */
  readonly received: readonly string[]
  close(): void
}

/** Starts a server that echoes every body. If the body contains the word refuse, the status is 403. */
export async function startEchoServer(): Promise<EchoServer> {
  const received: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray()).toString()
    received.push(`${request.headers['content-type']} ${body}`)
    response.writeHead(body.includes('refuse') ? 403 : 200, { 'content-length': Buffer.byteLength(body) }).end(body)
  }
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { url: `http://127.0.0.1:${port}/`, received, close: () => void server.close() }
}
