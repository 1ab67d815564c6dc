import type { ClientHttp2Session } from 'node:http2'

/** A unary call: a path, a content type and a framed message. */
export interface GrpcCall {
  readonly path: string
  readonly contentType: string
  readonly body: Buffer
}

/** Makes a call. Resolves with the framed message, or undefined unless the status is 200 and grpc-status is 0. */
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

/** The maximum of concurrent calls on one connection. gRPC clients send many calls over few connections. */
const STREAMS = 8

/** Returns how many connections carry this many concurrent calls, and how many calls each connection carries. */
export function spread(calls: number): { readonly connections: number; readonly streams: number } {
  return { connections: Math.ceil(calls / STREAMS), streams: Math.min(calls, STREAMS) }
}
