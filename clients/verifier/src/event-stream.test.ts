import { expect, it } from 'vitest'
import { readEvents } from './event-stream.ts'

async function* chunks(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text
}
const read = (...texts: readonly (string | Uint8Array)[]) => Array.fromAsync(readEvents(chunks(...texts)))
const EVENT = { name: 'head', data: '{"a":1}' }

it.each<[string, readonly string[]]>([
  ['line feeds', ['event: head\nid: 1-2\ndata: {"a":1}\n\n']],
  ['carriage returns', ['event: head\rdata: {"a":1}\r\r', '\n']],
  ['both', ['event: head\r\ndata: {"a":1}\r\n\r\n']],
  ['a chunk that ends between the two', ['event: head\r', '\ndata: {"a":1}\r', '\n\r', '\n']],
  ['one character in each chunk', 'event: head\ndata: {"a":1}\n\n'.split('')],
  ['no space behind the colon', ['event:head\ndata:{"a":1}\n\n']],
  ['comments, retry times and what nobody knows', [': hi\nretry: 1000\nevent: head\nx\ndata: {"a":1}\n\n']],
  ['an event without data before', ['event: nothing\n\nevent: head\ndata: {"a":1}\n\n']],
  ['an event that is not ended behind', ['event: head\ndata: {"a":1}\n\nevent: head\ndata: {}\n']],
])('reads an event with %s', async (_name, texts) => {
  expect(await read(...texts)).toEqual([EVENT])
})

it('joins lines of data, and names what has no name a message', async () => {
  expect(await read('data: a\ndata\ndata: b\n\n')).toEqual([{ name: 'message', data: 'a\n\nb' }])
})

it.each<[string, readonly string[]]>([
  ['in one line that never ends', ['data: ', ...Array.from({ length: 70 }, () => 'x'.repeat(1_000))]],
  ['in many lines', Array.from({ length: 70 }, () => `data: ${'x'.repeat(1_000)}\n`)],
  ['in one chunk', [`data: ${'x'.repeat(70_000)}\n\n`]],
])('takes no event that is too large, %s', async (_name, texts) => {
  await expect(read(...texts)).rejects.toThrow('too large')
})

it('takes nothing but UTF-8', async () => {
  await expect(read(Uint8Array.of(0xc3, 0x28))).rejects.toThrow(TypeError)
})
