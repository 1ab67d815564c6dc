import type { Socket } from 'node:net'

/** The start of every HTTP/2 connection (RFC 9113 section 3.4). No request of HTTP/1.1 begins with it. */
const PREFACE = Buffer.from('PRI')
/** How long a caller has to read the answer before its connection is cut, in milliseconds. */
const LINGER_MS = 1_000

/**
 * Looks at the first bytes of a connection, and gives them back. Calls `http2` if HTTP/2 begins, and else `other`.
 * Calls neither if the connection ends before.
 */
export function readStart(socket: Socket, http2: () => void, other: () => void): void {
  let start = Buffer.alloc(0)
  const look = (): void => {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    start = Buffer.concat([start, chunk])
    const length = Math.min(start.length, PREFACE.length)
    const isHttp2 = start.subarray(0, length).equals(PREFACE.subarray(0, length))
    // The next bytes decide. These ones are kept here, because bytes that are given back are readable at once.
    if (isHttp2 && length < PREFACE.length) return
    socket.off('readable', look)
    socket.unshift(start)
    if (isHttp2) http2()
    else other()
  }
  socket.on('readable', look)
}

/** Tells a caller of HTTP/1.1 which port it has reached, and closes the connection. */
export function answerHttp1(socket: Socket, issuer: string): void {
  const body = `This is the gRPC port. It speaks gRPC over HTTP/2. REST and Connect are at ${issuer}\n`
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(cut))
  // Bytes that nobody has read would reset the connection, and then the caller may lose the answer.
  socket.resume()
  socket.end(
    [
      'HTTP/1.1 400 Bad Request',
      'content-type: text/plain; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'x-content-type-options: nosniff',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
