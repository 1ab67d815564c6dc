import { expect, it } from 'vitest'
import { fakeClock } from '../../../../test/support/sdk/clock.ts'
import { createMetadataReader } from './read-metadata.ts'

/** A reader, and the addresses that it has asked. */
function reading(answer: () => Promise<Response>) {
  const asked: string[] = []
  const closing = new AbortController()
  const read = createMetadataReader({
    fetch: async (input) => {
      const { url } = new Request(input)
      asked.push(url)
      return answer()
    },
    runtime: fakeClock(),
    closing: closing.signal,
  })
  return { read, asked, closing }
}

it.each([
  ['https://x.test', 'https://x.test/.well-known/oauth-protected-resource'],
  ['https://x.test/', 'https://x.test/.well-known/oauth-protected-resource'],
  ['https://x.test/a/b?c=d', 'https://x.test/.well-known/oauth-protected-resource/a/b?c=d'],
])('the metadata of %s is read at %s', async (resource, address) => {
  const { read, asked } = reading(async () => Response.json({ resource }))
  expect(await read(resource, undefined)).toBe('token')
  expect(asked).toEqual([address])
})

it('the metadata of at most 100 resources is kept, the newest ones', async () => {
  const { read, asked } = reading(async () => new Response('', { status: 404 }))
  for (let count = 0; count <= 100; count += 1) await read(`https://x.test/${count}`, undefined)
  await read('https://x.test/1', undefined)
  expect(asked).toHaveLength(101)
  await read('https://x.test/0', undefined)
  expect(asked).toHaveLength(102)
})

it('a reader that is closed, or a call that is stopped, rejects with the reason', async () => {
  const { read, closing } = reading(() => new Promise(() => undefined))
  const stopping = new AbortController()
  const stopped = read('https://x.test', stopping.signal)
  const closed = read('https://x.test', undefined)
  stopping.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  closing.abort(new Error('closed'))
  await expect(closed).rejects.toThrow('closed')
  await expect(read('https://x.test', undefined)).rejects.toThrow('closed')
})
