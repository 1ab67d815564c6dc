import { once } from 'node:events'
import { createConnection } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../../test/support/gateway.ts'

const MIB = 1024 * 1024
const REST = '/v1/challenge'
const CONNECT = '/auth4agent.v1.AuthnService/CreateChallenge'

interface Sent {
  readonly answer: string
  /** The error of the connection, such as ECONNRESET. */
  readonly problem: string | undefined
  /** The bytes of the body that the system has taken. */
  readonly taken: number
}

/** Sends a body of this many bytes, and reads the answer only after the last byte, as many simple clients do. */
async function sendLarge(port: number, path: string, size: number, framing: string): Promise<Sent> {
  const socket = createConnection(port, '127.0.0.1')
  let [answer, taken] = ['', 0]
  let problem: string | undefined
  socket.on('error', (error: NodeJS.ErrnoException) => (problem = error.code))
  socket.pause()
  await once(socket, 'connect')
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${framing}\r\n\r\n`)
  const part = Buffer.alloc(64 * 1024, ' ')
  const isChunked = framing.startsWith('transfer-encoding')
  while (taken < size && !socket.destroyed) {
    if (isChunked) socket.write(`${part.length.toString(16)}\r\n`)
    socket.write(part)
    if (isChunked) socket.write('\r\n')
    taken += part.length
    if (socket.writableNeedDrain) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
  if (isChunked && !socket.destroyed) socket.write('0\r\n\r\n')
  socket.on('data', (chunk) => (answer += chunk.toString())).resume()
  if (!socket.closed) await once(socket, 'close')
  return { answer, problem, taken }
}

describe('the HTTP port delivers the refusal of a body of 8 MiB to a client that sends all of it first:', () => {
  it.each([
    ['REST, with a length', REST, `content-length: ${8 * MIB}`, 413],
    ['REST, in chunks', REST, 'transfer-encoding: chunked', 413],
    ['Connect, with a length', CONNECT, `content-length: ${8 * MIB}`, 429],
    ['Connect, in chunks', CONNECT, 'transfer-encoding: chunked', 429],
  ])('%s', async (_name, path, framing, status) => {
    const { port } = await startGateway()
    for (let turn = 0; turn < 5; turn += 1) {
      const { answer, problem } = await sendLarge(port, path, 8 * MIB, framing)

      expect({ status: answer.slice(0, 12), problem }).toEqual({ status: `HTTP/1.1 ${status}`, problem: undefined })
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    }
  })
})
