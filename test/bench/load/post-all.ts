import { Agent, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { splitRequest } from './split-proof.ts'

/** Requests to one path of a server on this machine. */
export interface Posts {
  readonly url: string
  readonly contentType: string
  readonly bodies: readonly string[]
}

const CONNECTIONS = 16

/** An answer with status 200 or 204. */
export interface PostAnswer {
  readonly body: string
  /** Bytes of the answer, with its head. */
  readonly bytes: number
}

/**
 * Sends all bodies over a few keep-alive connections, and returns the answers in the same order. Throws unless all
 * have status 200 or 204.
 */
export async function postAll({ url, contentType, bodies }: Posts): Promise<readonly PostAnswer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const answers = Array.from<PostAnswer>({ length: bodies.length })
  /** How many bytes each connection had read when its last answer ended. */
  const readBefore = new WeakMap<Socket, number>()
  let next = 0
  const work = async (): Promise<void> => {
    for (let index = next++; index < bodies.length; index = next++) {
      const { method, headers, body } = splitRequest(bodies[index] ?? '')
      const length = String(Buffer.byteLength(body))
      const fields = { 'content-type': contentType, 'content-length': length, ...headers }
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request(url, { agent, method, headers: fields }, resolve).on('error', reject).end(body)
      })
      answers[index] = await readAnswer(response, readBefore)
    }
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
    return answers
  } finally {
    agent.destroy()
  }
}

async function readAnswer(response: IncomingMessage, readBefore: WeakMap<Socket, number>): Promise<PostAnswer> {
  const { socket, statusCode } = response
  const body = Buffer.concat(await response.toArray()).toString()
  if (statusCode !== 200 && statusCode !== 204) throw new Error(`The server refused a request: ${statusCode} ${body}`)
  const bytes = socket.bytesRead - (readBefore.get(socket) ?? 0)
  readBefore.set(socket, socket.bytesRead)
  return { body, bytes }
}
