/** Why bytes are not a ZLIB stream of bounded size. */
type InflateFault = 'zlib' | 'size'

/**
 * The compressed bytes that are inflated at a time. DEFLATE makes at most about 1,032 bytes of one, so a slice cannot
 * take much more memory than the limit allows.
 */
const SLICE_BYTES = 4_096

/**
 * Inflates a ZLIB stream (RFC 1950) of at most `maxBytes`, and stops as soon as it is longer. Raw DEFLATE, gzip, a
 * preset dictionary, a wrong checksum, a stream that is cut off, and bytes after its end are refused.
 *
 * @example
 * ```ts
 * import { inflateZlib } from '@auth4agent/core/status-list/inflate'
 *
 * await inflateZlib(compressed, 1_048_576) // bytes, or 'zlib' or 'size'
 * ```
 */
export async function inflateZlib(compressed: Uint8Array, maxBytes: number): Promise<Uint8Array | InflateFault> {
  const bytes = await inflate(compressed, maxBytes)
  if (typeof bytes === 'string') return bytes
  // Some platforms ignore bytes after the end of the stream. Then the stream is still whole without the last byte.
  return (await inflate(compressed.subarray(0, -1), maxBytes)) === 'zlib' ? bytes : 'zlib'
}

async function inflate(compressed: Uint8Array, maxBytes: number): Promise<Uint8Array | InflateFault> {
  const inflated = slicesOf(compressed).pipeThrough(new DecompressionStream('deflate'))
  const reader = inflated.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return join(chunks, size)
      size += value.length
      if (size > maxBytes) return 'size'
      chunks.push(value)
    }
  } catch {
    return 'zlib'
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** Offers the bytes in slices, each only when the one before was taken. */
function slicesOf(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= bytes.length) return controller.close()
        controller.enqueue(new Uint8Array(bytes.subarray(at, at + SLICE_BYTES)))
        at += SLICE_BYTES
      },
    },
    { highWaterMark: 0 },
  )
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
