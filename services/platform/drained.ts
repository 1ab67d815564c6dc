import type { Writable } from 'node:stream'

/** Resolves when a stream accepts more data or is closed. */
export async function drained(stream: Pick<Writable, 'destroyed' | 'once' | 'off'>): Promise<void> {
  if (stream.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('drain', resolve)
  stream.once('close', resolve)
  await promise
  stream.off('drain', resolve)
  stream.off('close', resolve)
}
