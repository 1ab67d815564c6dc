import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import type { RunningServer } from '../../support/server.ts'

/** Headers of a request. A list is sent as several lines. */
type SentHeaders = Readonly<Record<string, string | readonly string[]>>

/** A request as it is sent. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly headers: SentHeaders
}

/** Sends a request unchanged to a server. Returns the status and the reason. */
export async function send(
  { method, path, body, headers }: Sent,
  { baseUrl }: Pick<RunningServer, 'baseUrl'>,
): Promise<string> {
  const { hostname, port } = new URL(baseUrl)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((line) => [name, line]))
  const request = httpRequest({ hostname, port, method, path, headers: withHost(lines) })
  request.once('error', reject)
  request.once('response', (response) => {
    text(response).then((answer) => resolve(`${response.statusCode} ${reasonIn(answer)}`), reject)
  })
  request.end(body)
  return promise
}

function reasonIn(answer: string): string {
  const { reason = 'OK' }: { reason?: string } = answer === '' ? {} : JSON.parse(answer)
  return reason
}

const withHost = (lines: readonly string[]) => (lines.includes('host') ? lines : ['host', 'localhost', ...lines])

/** Adds the signature of another request. */
export function withSignatureOf(update: Sent, { headers }: Sent): Sent {
  const lines = (name: string) => [update.headers[name] ?? '', headers[name] ?? ''].flat()
  return {
    ...update,
    headers: { ...update.headers, signature: lines('signature'), 'signature-input': lines('signature-input') },
  }
}
