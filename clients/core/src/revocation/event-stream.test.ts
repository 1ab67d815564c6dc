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
  ['both line ends', ['event: head\r\ndata: {"a":1}\r\n\r\n']],
  ['a chunk that ends between CR and LF', ['event: head\r', '\ndata: {"a":1}\r', '\n\r', '\n']],
  ['one character in each chunk', 'event: head\ndata: {"a":1}\n\n'.split('')],
  ['no space after the colon', ['event:head\ndata:{"a":1}\n\n']],
  ['comments, retry times and unknown fields', [': hi\nretry: 1000\nevent: head\nx\ndata: {"a":1}\n\n']],
  ['an event without data before it', ['event: nothing\n\nevent: head\ndata: {"a":1}\n\n']],
  ['an unfinished event after it', ['event: head\ndata: {"a":1}\n\nevent: head\ndata: {}\n']],
])('readEvents reads an event with %s', async (_name, texts) => {
  expect(await read(...texts)).toEqual([EVENT])
})

it('readEvents joins lines of data, and gives an event without a name the name "message"', async () => {
  expect(await read('data: a\ndata\ndata: b\n\n')).toEqual([{ name: 'message', data: 'a\n\nb' }])
})

it.each<[string, readonly string[]]>([
  ['in one endless line', ['data: ', ...Array.from({ length: 70 }, () => 'x'.repeat(1_000))]],
  ['in many lines', Array.from({ length: 70 }, () => `data: ${'x'.repeat(1_000)}\n`)],
  ['in one chunk', [`data: ${'x'.repeat(70_000)}\n\n`]],
])('readEvents refuses an event of more than 65,536 characters %s', async (_name, texts) => {
  await expect(read(...texts)).rejects.toThrow('at most 65536 characters')
})

it('readEvents throws TypeError for bytes that are not UTF-8', async () => {
  await expect(read(Uint8Array.of(0xc3, 0x28))).rejects.toThrow(TypeError)
})
