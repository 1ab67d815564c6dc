import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createTransport } from './transport.ts'

const transportTo = (body: string | ReadableStream | null, init?: ResponseInit) =>
  createTransport({ server: 'https://auth.example', fetch: () => Promise.resolve(new Response(body, init)) })
const call = { method: 'GET', path: '/v1/x' }

/** Answers with pieces of 64 KiB for as long as somebody reads; counts them. */
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

describe('an answer', () => {
  it.each([
    ['that never ends', 200],
    ['that never ends, of an error', 500],
  ])('%s is read no further than 4 MiB', async (_name, status) => {
    const { body, told } = endless()
    await expect(transportTo(body, { status })(call)).rejects.toMatchObject({
      reason: 'NETWORK_ERROR',
      message: expect.stringContaining('the answer is too large'),
    })
    expect(told.pieces).toBeLessThan(70)
    expect(told.isCancelled).toBe(true)
  })

  it('may come in pieces that cut a character in two', async () => {
    const bytes = Buffer.from('{"label":"grün 😀"}')
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    expect(await transportTo(body)(call)).toEqual({ label: 'grün 😀' })
  })

  it('is taken whole where a platform streams no bodies', async () => {
    const response = new Response('{"ok":true}')
    Object.defineProperty(response, 'body', { value: undefined })
    const send = createTransport({ server: 'https://auth.example', fetch: () => Promise.resolve(response) })
    expect(await send(call)).toEqual({ ok: true })
  })

  it.each([
    ['no JSON', '<html>', 'UNEXPECTED_ANSWER'],
    ['nothing', null, 'UNEXPECTED_ANSWER'],
    ['a number', '1', 'UNEXPECTED_ANSWER'],
  ])('that is %s is none', async (_name, body, reason) => {
    await expect(transportTo(body)(call)).rejects.toMatchObject({ reason })
  })
})

it('a transport on a Node that is too old is refused, and the error names both versions', () => {
  vi.stubGlobal('process', { versions: { node: '18.20.8' } })
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(() => transportTo(null)).toThrow('@auth4agent/sdk needs Node 20.19.0 or newer, and this is Node 18.20.8')
})
