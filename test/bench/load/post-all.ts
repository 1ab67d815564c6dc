import { once } from 'node:events'
import { connect } from 'node:net'
import { splitRequest } from './split-proof.ts'

/** Requests to one path of a server on this machine. */
export interface Posts {
  readonly url: string
  readonly contentType: string
  readonly bodies: readonly string[]
}

const CONNECTIONS = 16
const END_OF_LINE = Buffer.from('\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** An answer with status 200 or 204. */
export interface PostAnswer {
  readonly body: string
  /** Bytes of the answer, with its head. */
  readonly bytes: number
}

/**
 * Sends all bodies over a few keep-alive connections, and returns the answers in the same order. This is faster than
 * `fetch`, because a preparation must not take longer than its measurement. Throws unless all have
 * status 200 or 204.
 */
export async function postAll({ url, contentType, bodies }: Posts): Promise<readonly PostAnswer[]> {
  const { hostname, port, pathname, search } = new URL(url)
  const answers = Array.from<PostAnswer>({ length: bodies.length })
  let next = 0
  const work = async (): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    let received: Buffer = Buffer.alloc(0)
    for (let index = next++; index < bodies.length; index = next++) {
      const { method, headers, body } = splitRequest(bodies[index] ?? '')
      const lines = Object.entries({ host: hostname, 'content-type': contentType, ...headers })
      const fields = lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')
      const head = `${method} ${pathname}${search} HTTP/1.1\r\n${fields}`
      socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
      let answer = readAnswer(received)
      while (answer === undefined) {
        const [chunk]: Buffer[] = await once(socket, 'data')
        if (chunk !== undefined) received = Buffer.concat([received, chunk])
        answer = readAnswer(received)
      }
      received = answer.rest
      answers[index] = answer.post
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, bodies.length) }, work))
  return answers
}

interface Answer {
  readonly post: PostAnswer
  readonly rest: Buffer
}

/** Returns the first complete answer in the received bytes; undefined if it is not complete. */
function readAnswer(received: Buffer): Answer | undefined {
  const headEnd = received.indexOf(END_OF_HEAD)
  if (headEnd < 0) return undefined
  const head = received.toString('latin1', 0, headEnd)
  const begin = headEnd + END_OF_HEAD.length
  if (!/^HTTP\/1\.1 20[04] /.test(head))
    throw new Error(`The server refused a request: ${head}\n${received.toString('utf8', begin)}`)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  const isChunked = /^transfer-encoding: *chunked/im.test(head)
  const read = isChunked ? readChunks(received, begin) : readBytes(received, begin, length)
  if (read === undefined) return undefined
  const { body, end } = read
  return { post: { body: body.toString(), bytes: end }, rest: received.subarray(end) }
}

interface Body {
  readonly body: Buffer
  /** Where the next answer begins. */
  readonly end: number
}

function readBytes(received: Buffer, begin: number, length: number): Body | undefined {
  const end = begin + length
  return received.length < end ? undefined : { body: received.subarray(begin, end), end }
}

/** Reads chunks until the empty one, as a server sends them that does not know the length beforehand. */
function readChunks(received: Buffer, begin: number): Body | undefined {
  const chunks: Buffer[] = []
  for (let at = begin; ; ) {
    const lineEnd = received.indexOf(END_OF_LINE, at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(received.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(length)) throw new Error(`A chunk has no length: ${received.toString('utf8', at)}`)
    const chunk = readBytes(received, lineEnd + END_OF_LINE.length, length)
    if (chunk === undefined || received.length < chunk.end + END_OF_LINE.length) return undefined
    at = chunk.end + END_OF_LINE.length
    if (length === 0) return { body: Buffer.concat(chunks), end: at }
    chunks.push(chunk.body)
  }
}
