import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { postAll } from './post-all.ts'

/** Answers with the body of the request, whole or in chunks of so many characters, each in a turn of its own. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray()).toString()
  const size = Number(/^chunks of (\d+)/.exec(body)?.[1])
  if (Number.isNaN(size)) return void response.setHeader('content-length', Buffer.byteLength(body)).end(body)
  for (let at = 0; at < body.length; at += size) {
    response.write(body.slice(at, at + size))
    await turn()
  }
  response.end()
}

let server: Server
let url: string
beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
})
afterAll(() => void server.close())

it.each([
  ['of a known length', 'whole', 1],
  ['in chunks of one character', 'chunks of 1', 1],
  ['in chunks of thirty characters', 'chunks of 30', 1],
  ['in one chunk with line ends in it', 'chunks of 99999 \r\n0\r\n\r\n', 500],
])('postAll reads answers %s', async (_, text, times) => {
  // More bodies than connections, so that answers follow each other on one.
  const bodies = Array.from({ length: 40 }, (_, index) => `${text} ${index} é `.repeat(times))
  const answers = await postAll({ url, contentType: 'text/plain', bodies })
  expect(answers.map(({ body }) => body)).toEqual(bodies)
  for (const [index, { bytes }] of answers.entries()) expect(bytes).toBeGreaterThan(bodies[index]?.length ?? 0)
})
