import { deflateSync, inflateSync } from 'node:zlib'
import { afterEach, expect, it, vi } from 'vitest'
import { inflateZlib } from './inflate.ts'

const text = Buffer.from('status '.repeat(100))
const stream = deflateSync(text)

/** Inflates as platforms do that ignore bytes after the end of the stream, such as Node 20. */
class LenientStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor() {
    const chunks: Uint8Array[] = []
    super({
      transform: (chunk) => void chunks.push(chunk),
      flush: (controller) => controller.enqueue(inflateSync(Buffer.concat(chunks))),
    })
  }
}

afterEach(() => vi.unstubAllGlobals())

it.each([
  ['whole', stream, text.length],
  ['with a byte after its end', Buffer.concat([stream, Buffer.of(0)]), 'zlib'],
  ['with its checksum twice', Buffer.concat([stream, stream.subarray(-4)]), 'zlib'],
  ['cut off', stream.subarray(0, -1), 'zlib'],
])('inflateZlib answers the same on every platform about a stream that is %s', async (_name, bytes, expected) => {
  for (const platform of [DecompressionStream, LenientStream]) {
    vi.stubGlobal('DecompressionStream', platform)
    const inflated = await inflateZlib(bytes, 1_000)
    expect(typeof inflated === 'string' ? inflated : inflated.length).toBe(expected)
  }
})
