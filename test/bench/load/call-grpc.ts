import type { ClientHttp2Session } from 'node:http2'

/** One unary call: a path, a type and a framed message. */
export interface GrpcCall {
  readonly path: string
  readonly contentType: string
  readonly body: Buffer
}

/** Makes a call; answers the framed message, undefined unless the status is 200 and grpc-status 0. */
export function callGrpc(
  session: ClientHttp2Session,
  { path, contentType, body }: GrpcCall,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const headers = { ':method': 'POST', ':path': path, 'content-type': contentType, te: 'trailers' }
    const stream = session.request(headers)
    const chunks: Buffer[] = []
    let isOk = false
    let isDone = false
    stream.on('response', (answer) => {
      isOk = answer[':status'] === 200
    })
    stream.on('trailers', (trailers) => {
      isDone = trailers['grpc-status'] === '0'
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', () => {
      isOk = false
    })
    stream.on('close', () => resolve(isOk && isDone ? Buffer.concat(chunks) : undefined))
    stream.end(body)
  })
}

/** Calls that are under way at once on one connection at most: gRPC's clients put all they have on few connections. */
const STREAMS = 8

/** How so many calls at once are spread over connections. */
export function spread(calls: number): { readonly connections: number; readonly streams: number } {
  return { connections: Math.ceil(calls / STREAMS), streams: Math.min(calls, STREAMS) }
}
