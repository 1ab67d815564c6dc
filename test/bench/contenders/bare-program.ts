import { createServer } from 'node:http'

/**
 * The minimum that an HTTP server in Node does: reads a JSON body, and answers JSON of the size of a challenge answer.
 * Its only argument is its port.
 */

const CHALLENGE_BYTES = 300

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString()
    const body: unknown = text === '' ? {} : JSON.parse(text)
    const json = JSON.stringify({ challenge: 'c'.repeat(CHALLENGE_BYTES), nonce: 'n'.repeat(22), read: body !== null })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) })
    response.end(json)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
