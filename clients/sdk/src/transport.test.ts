import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { createTransport } from './transport.ts'

const transportTo = (body: string | ReadableStream | null, init?: ResponseInit) =>
  createTransport({ server: 'https://auth.example', fetch: () => Promise.resolve(new Response(body, init)) })
const call = { method: 'GET', path: '/v1/x' }

/** Makes an endless body in pieces of 64 KiB, and counts the pieces that are read. */
function endless() {
  const told = { pieces: 0, isCancelled: false }
  const body = new ReadableStream({
    pull(controller) {
      told.pieces += 1
      controller.enqueue(new Uint8Array(65_536).fill(0x20))
    },
    cancel() {
      told.isCancelled = true
    },
  })
  return { body, told }
}

describe('a transport', () => {
  it.each<readonly [string, string]>([
    ...ODD_URLS,
    ['a query', 'https://as.example/a?b'],
    ['http to another machine', 'http://as.example'],
  ])('refuses the address of a server with %s', (_name, server) => {
    expect(() => createTransport({ server })).toThrow('server must be an https address in its normal form')
  })

  it.each([
    ['an answer', 200],
    ['an error answer', 500],
  ])('stops reading %s that never ends after 4 MiB', async (_name, status) => {
    const { body, told } = endless()
    await expect(transportTo(body, { status })(call)).rejects.toMatchObject({
      reason: 'NETWORK_ERROR',
      message: expect.stringContaining('The answer must be at most 4 Mi characters'),
    })
    expect(told.pieces).toBeLessThan(70)
    expect(told.isCancelled).toBe(true)
  })

  it('reads an answer whose pieces cut a character in two', async () => {
    const bytes = Buffer.from('{"label":"grün 😀"}')
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    expect(await transportTo(body)(call)).toEqual({ label: 'grün 😀' })
  })

  it('reads the whole answer if the platform streams no bodies', async () => {
    const response = new Response('{"ok":true}')
    Object.defineProperty(response, 'body', { value: undefined })
    const send = createTransport({ server: 'https://auth.example', fetch: () => Promise.resolve(response) })
    expect(await send(call)).toEqual({ ok: true })
  })

  it.each([
    ['not JSON', '<html>', 'UNEXPECTED_ANSWER'],
    ['empty', null, 'UNEXPECTED_ANSWER'],
    ['a number', '1', 'UNEXPECTED_ANSWER'],
  ])('rejects an answer that is %s', async (_name, body, reason) => {
    await expect(transportTo(body)(call)).rejects.toMatchObject({ reason })
  })
})

it('createTransport throws on a Node that is too old, with both versions in the message', () => {
  vi.stubGlobal('process', { versions: { node: '18.20.8' } })
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(() => transportTo(null)).toThrow('@auth4agent/sdk needs Node 20.19.0 or newer, and this is Node 18.20.8')
})
