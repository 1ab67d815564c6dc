import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openOutbound, startOutside } from '../../../test/support/outside-server.ts'

const EVENTS = { 'content-type': 'text/event-stream' }
const OPTIONS = { idleMs: 10_000 }

/** Starts a server that opens streams. `opened` resolves with the answer of the first one. */
async function startStreams() {
  const opened = Promise.withResolvers<ServerResponse>()
  const server = await startOutside((_request, response) => {
    response.writeHead(200, EVENTS).flushHeaders()
    opened.resolve(response)
  })
  return { ...server, url: `http://auth.alpha.test:${server.port}/v1/revocations`, opened: opened.promise }
}

/** Lets only `vi` move the clocks of limits. Sockets need no timers. */
function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

const textOf = ({ value }: IteratorResult<Uint8Array, void>) => value && Buffer.from(value).toString()

describe('stream', () => {
  it('yields the bytes as they come, until the other server ends the stream', async () => {
    const { url, opened, requests } = await startStreams()
    const { outbound, outcomes } = openOutbound()
    const headers = { authorization: 'Bearer abc', 'last-event-id': '1-2' }
    const stream = outbound.stream(url, { ...OPTIONS, headers })
    const first = stream.next()
    const response = await opened
    response.write('data: 1\n\n')
    expect(textOf(await first)).toBe('data: 1\n\n')
    response.write('data: 2\n\n')
    expect(textOf(await stream.next())).toBe('data: 2\n\n')
    response.end()
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(requests[0]?.headers).toMatchObject({
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      ...headers,
    })
    expect(outcomes).toEqual(['OK'])
  })

  it('connects only when the first bytes are wanted', async () => {
    const { url, connections } = await startStreams()
    const { outbound } = openOutbound()
    await outbound.stream(url, OPTIONS).return()
    expect(connections()).toBe(0)
  })

  it('has no limit for the whole stream, only for each wait', async () => {
    fakeTimers()
    const { url, opened } = await startStreams()
    const { outbound, outcomes } = openOutbound()
    const stream = outbound.stream(url, { timeoutMs: 1_000, idleMs: 5_000 })
    const first = stream.next()
    const response = await opened
    response.write(':\n\n')
    await first
    const second = stream.next()
    vi.advanceTimersByTime(4_999)
    response.write(':\n\n')
    await second
    const third = expect(stream.next()).rejects.toMatchObject({ why: 'TIMEOUT' })
    vi.advanceTimersByTime(5_000)
    await third
    expect(outcomes).toEqual(['TIMEOUT'])
  })

  it('limits the wait for the first bytes like any other', async () => {
    fakeTimers()
    const { url, opened } = await startStreams()
    const { outbound, outcomes } = openOutbound()
    const first = outbound.stream(url, { timeoutMs: 1_000_000_000, idleMs: 5_000 }).next()
    const refused = expect(first).rejects.toMatchObject({ message: expect.stringContaining('within 5000 ms') })
    await opened
    // The limit of the wait begins when the headers arrive, which no caller can see.
    while (outcomes.length === 0) {
      await setImmediate()
      vi.advanceTimersByTime(5_000)
    }
    await refused
  })

  it('limits the time until the headers', async () => {
    const { port } = await startOutside(() => undefined)
    const { outbound } = openOutbound()
    const stream = outbound.stream(`http://auth.alpha.test:${port}/`, { ...OPTIONS, timeoutMs: 100 })
    await expect(stream.next()).rejects.toMatchObject({ why: 'TIMEOUT' })
  })

  it('does not count the time that the reader takes', async () => {
    fakeTimers()
    const { url, opened } = await startStreams()
    const { outbound } = openOutbound()
    const stream = outbound.stream(url, OPTIONS)
    const first = stream.next()
    const response = await opened
    response.write('data: 1\n\n')
    await first
    vi.advanceTimersByTime(OPTIONS.idleMs)
    response.write('data: 2\n\n')
    expect(textOf(await stream.next())).toBe('data: 2\n\n')
  })

  it('closes the connection when the reader leaves', async () => {
    const { url, opened } = await startStreams()
    const { outbound, outcomes } = openOutbound()
    const stream = outbound.stream(url, OPTIONS)
    const first = stream.next()
    const response = await opened
    const gone = once(response, 'close')
    response.write('data: 1\n\n')
    await first
    await stream.return()
    await gone
    expect(outcomes).toEqual(['OK'])
  })

  it.each(['while it reads', 'before it has connected'])('ends when its signal aborts %s', async (moment) => {
    const { url, opened } = await startStreams()
    const { outbound, outcomes } = openOutbound()
    const gone = new AbortController()
    const stream = outbound.stream(url, { ...OPTIONS, signal: gone.signal })
    if (moment === 'before it has connected') gone.abort()
    const first = stream.next()
    if (moment === 'while it reads') await opened.then(() => gone.abort())
    expect(await first).toEqual({ done: true, value: undefined })
    expect(outcomes).toEqual(['OK'])
  })

  it('fails with CLOSED when Outbound closes', async () => {
    const { url, opened } = await startStreams()
    const { outbound } = openOutbound()
    const first = outbound.stream(url, OPTIONS).next()
    await opened
    await Promise.all([expect(first).rejects.toMatchObject({ why: 'CLOSED' }), outbound.close()])
  })

  it('fails with UNREACHABLE when the connection breaks', async () => {
    const { url, opened } = await startStreams()
    const { outbound, outcomes } = openOutbound()
    const first = outbound.stream(url, OPTIONS).next()
    ;(await opened).destroy()
    await expect(first).rejects.toMatchObject({ why: 'UNREACHABLE' })
    expect(outcomes).toEqual(['UNREACHABLE'])
  })

  it.each([
    ['STATUS', 403, EVENTS],
    ['MEDIA_TYPE', 200, { 'content-type': 'application/json' }],
    ['ENCODING', 200, { ...EVENTS, 'content-encoding': 'br' }],
  ])('is refused with %s', async (why, status, headers) => {
    const { port } = await startOutside((_request, response) => response.writeHead(status, headers).end('data: 1\n\n'))
    const { outbound } = openOutbound()
    const first = outbound.stream(`http://auth.alpha.test:${port}/`, OPTIONS).next()
    await expect(first).rejects.toMatchObject({ why })
  })

  it('leaves an origin alone that has refused five streams', async () => {
    const { port, requests } = await startOutside((_request, response) => response.writeHead(503).end())
    const { outbound } = openOutbound()
    const open = () => outbound.stream(`http://auth.alpha.test:${port}/`, OPTIONS).next()
    for (let n = 0; n < 5; n += 1) await expect(open()).rejects.toMatchObject({ why: 'STATUS', status: 503 })
    await expect(open()).rejects.toMatchObject({ why: 'CIRCUIT_OPEN' })
    expect(requests).toHaveLength(5)
  })

  it('does not count against an origin what its reader has ended', async () => {
    const { url, opened } = await startStreams()
    const { outbound } = openOutbound()
    for (let n = 0; n < 5; n += 1) await outbound.stream(url, { ...OPTIONS, signal: AbortSignal.abort() }).next()
    const first = outbound.stream(url, OPTIONS).next()
    ;(await opened).write('data: 1\n\n')
    expect(textOf(await first)).toBe('data: 1\n\n')
  })

  it('is refused with BUSY if four streams of the host are open, until one ends', async () => {
    const { url } = await startStreams()
    const { outbound } = openOutbound()
    const gone = new AbortController()
    const open = (signal?: AbortSignal) => outbound.stream(url, { ...OPTIONS, ...(signal && { signal }) }).next()
    const others = [open(), open(), open()]
    const oldest = open(gone.signal)
    await expect(open()).rejects.toMatchObject({ why: 'BUSY' })
    gone.abort()
    await oldest
    const all = Promise.allSettled([...others, open()])
    await outbound.close()
    const closed = { status: 'rejected', reason: expect.objectContaining({ why: 'CLOSED' }) }
    expect(await all).toEqual([closed, closed, closed, closed])
  })
})
