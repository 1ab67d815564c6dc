import { expect, it } from 'vitest'
import { createTransport } from './transport.ts'

const MIB = 2 ** 20

/** A server whose one answer has so many MiB; counts those that were read of it. */
function answering(mib: number) {
  const seen = { read: 0, isCancelled: false }
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (seen.read === mib) return controller.close()
      seen.read += 1
      controller.enqueue(
        new TextEncoder().encode(
          `${seen.read === 1 ? '[1' : '  '}${' '.repeat(MIB - 3)}${seen.read === mib ? ']' : ' '}`,
        ),
      )
    },
    cancel: () => void (seen.isCancelled = true),
  })
  const send = createTransport({ server: 'https://auth.example', fetch: async () => new Response(body) })
  return { seen, answer: send({ method: 'GET', path: '/' }) }
}

it('reads an answer of 4 MiB', async () => {
  expect(await answering(4).answer).toEqual([1])
})

it('reads no further where an answer is larger', async () => {
  const { seen, answer } = answering(64)
  await expect(answer).rejects.toMatchObject({ reason: 'NETWORK_ERROR', message: expect.stringContaining('too large') })
  expect(seen.read).toBeLessThan(8)
  expect(seen.isCancelled).toBe(true)
})

it.each([
  ['a mark of the byte order', '\ufeff[1]'],
  ['letters of several bytes', '["é😀"]'],
])('reads %s as text', async (_name, text) => {
  const bytes = new TextEncoder().encode(text)
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  const send = createTransport({ server: 'https://auth.example', fetch: async () => new Response(body) })
  expect(await send({ method: 'GET', path: '/' })).toEqual(JSON.parse(text.replace('\ufeff', '')))
})
