import { once } from 'node:events'
import { connect } from 'node:net'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const [DATA, HEADERS, SETTINGS] = [0, 1, 4]
const [END_STREAM, END_HEADERS] = [1, 4]

/**
 * Sends one HTTP/2 request whose headers are exactly these, also those that no client sends twice. Returns a function
 * that closes the connection.
 */
export async function sendRawHttp2(
  port: number,
  headers: readonly (readonly [name: string, value: string])[],
  body: Uint8Array,
): Promise<() => void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  const block = Buffer.concat(headers.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])))
  socket.write(PREFACE)
  socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)))
  socket.write(frame(HEADERS, END_HEADERS, 1, block))
  socket.write(frame(DATA, END_STREAM, 1, body))
  return () => socket.destroy()
}

/** Writes a text of HPACK without Huffman coding (RFC 7541 section 5.2). */
function text(value: string): Buffer {
  if (value.length > 126) throw new RangeError('This client writes only texts of at most 126 characters')
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value)])
}

function frame(type: number, flags: number, stream: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(content.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, content])
}
