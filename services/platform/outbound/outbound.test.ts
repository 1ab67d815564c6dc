import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { json, openOutbound, startOutside } from '../../../test/support/outside-server.ts'

const JSON_TYPE = ['application/json']
const SECRET = 'text of the body'
type Answer = (request: IncomingMessage, response: ServerResponse) => void

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Begins a body that never ends. */
const drip: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{')
}

/** Sends a body without end as fast as it is read. */
const huge: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const more = () => {
    while (response.write('a'.repeat(10_000)));
  }
  response.on('drain', more)
  more()
}

const saying =
  (status: number, headers: Record<string, string>, body: string | Uint8Array = SECRET): Answer =>
  (_request, response) => {
    response.writeHead(status, headers).end(body)
  }
const TYPE = { 'content-type': 'application/json' }

const resolve = (hostname: string) => {
  if (hostname === 'slow.example') return new Promise<never>(() => undefined)
  if (hostname === 'gone.example') return Promise.reject(new Error('ENOTFOUND'))
  return Promise.resolve([{ address: '10.0.0.1', family: 4 }])
}

describe('get', () => {
  it('returns body, media type and times of an answer', async () => {
    const { port, requests } = await startOutside(json({ keys: [] }, { 'cache-control': 'max-age=60' }))
    const { outbound, outcomes } = openOutbound()
    const answer = await outbound.get(`http://auth.alpha.test:${port}/jwks?a=b`, { accept: JSON_TYPE })
    expect(Buffer.from(answer.body).toString()).toBe('{"keys":[]}')
    expect(answer).toMatchObject({ mediaType: 'application/json', maxAgeS: 60, date: expect.any(Number) })
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/jwks?a=b' })
    expect(requests[0]?.headers).toEqual({
      host: `auth.alpha.test:${port}`,
      connection: 'keep-alive',
      'user-agent': 'auth4agent',
      accept: 'application/json',
      'accept-encoding': 'identity',
    })
    expect(outcomes).toEqual(['OK'])
  })

  it('sends the headers that a caller may set', async () => {
    const { port, requests } = await startOutside(json({}))
    const { outbound } = openOutbound()
    const headers = { authorization: 'Bearer abc' }
    await outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE, headers })
    expect(requests[0]?.headers).toMatchObject(headers)
  })

  it.each<[name: string, why: string, answer: Answer]>([
    ['a redirect to itself', 'STATUS', saying(302, { ...TYPE, location: '/' })],
    ['a redirect of the method too', 'STATUS', saying(307, { ...TYPE, location: '/' })],
    ['an error', 'STATUS', saying(500, TYPE)],
    ['another media type', 'MEDIA_TYPE', saying(200, { 'content-type': 'text/html' })],
    ['a compressed body', 'ENCODING', saying(200, { ...TYPE, 'content-encoding': 'gzip' }, gzipSync(SECRET))],
    ['a body without end', 'TOO_LARGE', huge],
    ['a body of one byte too many', 'TOO_LARGE', saying(200, TYPE, 'a'.repeat(1_001))],
    ['headers of more than 16 KiB', 'TOO_LARGE', saying(200, { ...TYPE, 'x-large': 'a'.repeat(17_000) })],
    ['headers that never come', 'TIMEOUT', () => undefined],
    ['a body that never ends', 'TIMEOUT', drip],
    ['a broken connection', 'UNREACHABLE', (request) => request.socket.destroy()],
    ['something else than HTTP', 'UNREACHABLE', (request) => request.socket.end(`SSH-2.0-${SECRET}\r\n`)],
    [
      'a body that is shorter than announced',
      'UNREACHABLE',
      (request) =>
        request.socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`),
    ],
  ])('refuses %s with %s', async (_name, why, answer) => {
    const { port, requests } = await startOutside(answer)
    const { outbound, outcomes } = openOutbound()
    const wanted = { accept: JSON_TYPE, maxBytes: 1_000, timeoutMs: why === 'TIMEOUT' ? 200 : 10_000 }
    const refusal = await outbound.get(`http://auth.alpha.test:${port}/`, wanted).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'OutboundError', why })
    expect(inspect(refusal)).not.toContain(SECRET)
    // On a busy machine the time may be over before the request has arrived.
    if (why !== 'TIMEOUT') expect(requests).toHaveLength(1)
    expect(outcomes).toEqual([why])
  })

  it('closes the connection of an answer that it refuses', async () => {
    const closed = Promise.withResolvers<void>()
    const { port } = await startOutside((_request, response) => {
      response.on('close', closed.resolve)
      response.writeHead(404, TYPE).write(SECRET)
    })
    const { outbound } = openOutbound()
    const get = outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE })
    await expect(get).rejects.toMatchObject({ why: 'STATUS' })
    await closed.promise
  })

  it('accepts a body of exactly the limit', async () => {
    const { port } = await startOutside(saying(200, TYPE, 'a'.repeat(1_000)))
    const { outbound } = openOutbound()
    const answer = await outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE, maxBytes: 1_000 })
    expect(answer.body).toHaveLength(1_000)
  })

  it.each([
    ['URL_REFUSED', 'http://auth.example/', {}],
    ['URL_REFUSED', 'https://127.0.0.1/', {}],
    ['ADDRESS_REFUSED', 'https://auth.example/', {}],
    ['UNREACHABLE', 'https://gone.example/', {}],
    ['TIMEOUT', 'https://slow.example/', { timeoutMs: 100 }],
  ])('refuses with %s the URL %s', async (why, url, options) => {
    const { outbound, outcomes } = openOutbound({ resolve })
    await expect(outbound.get(url, { accept: JSON_TYPE, ...options })).rejects.toMatchObject({ why })
    expect(outcomes).toEqual([why])
  })

  it('uses no proxy of the environment', async () => {
    const proxy = await startOutside(json({ by: 'proxy' }))
    const { port } = await startOutside(json({ by: 'server' }))
    for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`)
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '')
    const { outbound } = openOutbound()
    const { body } = await outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE })
    expect(Buffer.from(body).toString()).toBe('{"by":"server"}')
    expect(proxy.connections()).toBe(0)
  })

  it('uses a connection again, but vets the addresses again after 100 requests', async () => {
    const { port, requests } = await startOutside(json({}))
    const { outbound } = openOutbound()
    for (let n = 0; n < 250; n += 1) await outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE })
    const connections = Map.groupBy(requests, ({ socket }) => socket)
    expect(Math.max(...Array.from(connections.values(), ({ length }) => length))).toBe(100)
  })

  it('leaves an origin alone that has failed five times', async () => {
    const { port, requests } = await startOutside(saying(503, {}))
    const { outbound, outcomes } = openOutbound()
    const ask = () => outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE })
    for (let n = 0; n < 5; n += 1) await expect(ask()).rejects.toMatchObject({ why: 'STATUS', status: 503 })
    await expect(ask()).rejects.toMatchObject({ why: 'CIRCUIT_OPEN' })
    expect(requests).toHaveLength(5)
    expect(outcomes.at(-1)).toBe('CIRCUIT_OPEN')
  })

  it('has at most 16 requests to one host under way', async () => {
    const waiting: ServerResponse[] = []
    const { port } = await startOutside((_request, response) => {
      waiting.push(response)
      if (waiting.length === 16) for (const each of waiting) each.writeHead(200, TYPE).end('{}')
    })
    const { outbound } = openOutbound()
    const ask = () => outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE })
    const all = Array.from({ length: 17 }, ask)
    await expect(all.at(-1)).rejects.toMatchObject({ why: 'BUSY' })
    expect(await Promise.all(all.slice(0, -1))).toHaveLength(16)
    await expect(Promise.all([ask(), outbound.close()])).rejects.toMatchObject({ why: 'CLOSED' })
  })
})

describe('post', () => {
  it('sends a form', async () => {
    const bodies: string[] = []
    const { port, requests } = await startOutside((request, response) => {
      void text(request).then((body) => bodies.push(body))
      request.on('end', () => response.writeHead(200, TYPE).end('{}'))
    })
    const { outbound } = openOutbound()
    const form = { token: 'a&b=c', token_type_hint: 'access_token' }
    await outbound.post(`http://auth.alpha.test:${port}/introspect`, form, { accept: JSON_TYPE })
    expect(bodies).toEqual(['token=a%26b%3Dc&token_type_hint=access_token'])
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/introspect' })
    expect(requests[0]?.headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded' })
  })

  it('returns the body of a status that the caller lists, within the same limits', async () => {
    const { port } = await startOutside((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://auth.alpha.test')
      const status = Number(searchParams.get('status'))
      response.writeHead(status, TYPE).end('a'.repeat(Number(searchParams.get('bytes'))))
    })
    const { outbound } = openOutbound()
    const post = (status: number, bytes: number) => {
      const options = { accept: JSON_TYPE, alsoStatus: [400, 401], maxBytes: 100 }
      return outbound.post(`http://auth.alpha.test:${port}/?status=${status}&bytes=${bytes}`, {}, options)
    }
    expect(await post(200, 100)).toMatchObject({ status: 200 })
    expect(await post(401, 100)).toMatchObject({ status: 401, body: Buffer.from('a'.repeat(100)) })
    await expect(post(400, 101)).rejects.toMatchObject({ why: 'TOO_LARGE' })
    await expect(post(403, 100)).rejects.toMatchObject({ why: 'STATUS', status: 403 })
  })

  it('follows no redirect with the form', async () => {
    const { port, requests } = await startOutside((_request, response) => {
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    const { outbound } = openOutbound()
    const post = outbound.post(`http://auth.alpha.test:${port}/`, { token: 'a' }, { accept: JSON_TYPE })
    await expect(post).rejects.toMatchObject({ why: 'STATUS', status: 307 })
    expect(requests).toHaveLength(1)
  })
})

describe('close', () => {
  it('ends requests under way with CLOSED, and refuses later ones', async () => {
    const arrived = Promise.withResolvers<void>()
    const { port, connections } = await startOutside(() => arrived.resolve())
    const { outbound, outcomes } = openOutbound()
    const ask = () => outbound.get(`http://auth.alpha.test:${port}/`, { accept: JSON_TYPE })
    const running = expect(ask()).rejects.toMatchObject({ why: 'CLOSED' })
    await arrived.promise
    await outbound.close()
    await running
    await expect(ask()).rejects.toMatchObject({ why: 'CLOSED' })
    expect(connections()).toBe(1)
    expect(outcomes).toEqual(['CLOSED', 'CLOSED'])
  })
})
