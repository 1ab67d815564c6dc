import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expectNothingPrivate } from '../../support/private-members.ts'

/** Headers of a request, or metadata of a gRPC call. */
export type Headers = Readonly<Record<string, string | readonly string[]>>

/** An HTTP request whose path is sent unchanged. */
export interface HttpRequest {
  readonly verb: string
  readonly path: string
  /** A header with a list of values is sent several times. */
  readonly headers?: Headers
  readonly body?: string | Uint8Array
}

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Sends a request unchanged. `fetch` would normalise its path. */
export async function sendHttp(baseUrl: string, { verb, path, headers = {}, body }: HttpRequest): Promise<HttpAnswer> {
  const { hostname, port } = new URL(baseUrl)
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = httpRequest({ agent, hostname, port, method: verb, path, headers: copied({ ...length, ...headers }) })
  request.once('error', reject)
  request.once('response', (response) => {
    text(response).then(
      (answer) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer }),
      reject,
    )
  })
  request.end(body)
  const answer = await promise
  expectNothingPrivate(answer.text)
  return answer
}

/** Node wants lists that it may change. */
function copied(headers: Headers): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}

/** Writes bytes to the port. Resolves with everything that the server sends before it closes the connection. */
export async function sendRaw(baseUrl: string, bytes: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(baseUrl)
  const socket = connect(Number(port), hostname)
  // A server that refuses early closes the connection while the client still writes.
  socket.on('error', () => undefined)
  socket.write(bytes)
  return text(socket)
}
