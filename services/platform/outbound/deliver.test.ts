import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openOutbound, startOutside } from '../../../test/support/outside-server.ts'
import type { Delivery } from './deliver.ts'

const SECRET = 'text of the body'
const TYPE = { 'content-type': 'application/json' }
const DELIVERY: Delivery = {
  party: 'acme ',
  content: { type: 'application/secevent+jwt', text: 'a.b.c' },
  statuses: { 200: 'ignore', 202: 'ignore', 204: 'ignore', 400: 'read' },
  accept: ['application/json'],
  maxBytes: 1_000,
}
type Answer = (request: IncomingMessage, response: ServerResponse) => void

const saying =
  (status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): Answer =>
  (request, response) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(body))
  }

/** Answers with a body without end, as fast as it is read. */
const endless =
  (status: number): Answer =>
  (request, response) => {
    request.resume()
    response.writeHead(status, TYPE)
    const more = () => {
      while (response.write('a'.repeat(10_000)));
    }
    response.on('drain', more)
    more()
  }

/** Answers with a body whose second byte never comes. */
const drip =
  (status: number): Answer =>
  (request, response) => {
    request.resume()
    response.writeHead(status, TYPE).write('{')
  }

describe('deliver', () => {
  it('posts a text with its media type and the header of the receiver', async () => {
    const bodies: Promise<string>[] = []
    const { port, requests } = await startOutside((request, response) => {
      bodies.push(text(request))
      request.on('end', () => response.writeHead(202).end())
    })
    const { outbound, outcomes } = openOutbound()
    const headers = { authorization: 'Bearer abc' }
    const answer = await outbound.deliver(`http://events.alpha.test:${port}/a?b=c`, { ...DELIVERY, headers })
    expect(answer).toEqual({ status: 202, body: undefined })
    expect(await Promise.all(bodies)).toEqual(['a.b.c'])
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/a?b=c' })
    expect(requests[0]?.headers).toEqual({
      host: `events.alpha.test:${port}`,
      connection: 'keep-alive',
      'user-agent': 'auth4agent',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/secevent+jwt',
      'content-length': '5',
      ...headers,
    })
    expect(outcomes).toEqual(['OK'])
  })

  it.each<[name: string, status: number, answer: Answer]>([
    ['status 200', 200, saying(200)],
    ['status 202', 202, saying(202)],
    ['status 204', 204, saying(204)],
    ['status 202 with a page', 202, saying(202, { 'content-type': 'text/html' }, '<p>')],
    ['status 202 with an encoding', 202, saying(202, { 'content-encoding': 'gzip' }, gzipSync(SECRET))],
    ['status 202 with a body without end', 202, endless(202)],
    ['status 202 with a body that never ends', 202, drip(202)],
    [
      'status 202 with a broken connection after it',
      202,
      (request) => request.socket.end('HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\n{'),
    ],
  ])('takes %s for an acceptance', async (_name, status, answer) => {
    const { port } = await startOutside(answer)
    const { outbound, outcomes } = openOutbound()
    const delivery = { ...DELIVERY, timeoutMs: 500 }
    expect(await outbound.deliver(`http://events.alpha.test:${port}/`, delivery)).toEqual({ status, body: undefined })
    expect(outcomes).toEqual(['OK'])
  })

  it('uses a connection again after an acceptance without a body', async () => {
    const { port, connections } = await startOutside(saying(202))
    const { outbound } = openOutbound()
    for (let n = 0; n < 20; n += 1) await outbound.deliver(`http://events.alpha.test:${port}/`, DELIVERY)
    expect(connections()).toBeLessThanOrEqual(2)
  })

  it('returns the body of a status that is read', async () => {
    const { port } = await startOutside(saying(400, TYPE, '{"err":"invalid_key"}'))
    const { outbound } = openOutbound()
    const { status, body } = await outbound.deliver(`http://events.alpha.test:${port}/`, DELIVERY)
    expect([status, Buffer.from(body ?? []).toString()]).toEqual([400, '{"err":"invalid_key"}'])
  })

  it.each<[name: string, why: string, answer: Answer]>([
    ['a redirect to itself', 'STATUS', saying(302, { location: '/' })],
    ['a redirect of the method too', 'STATUS', saying(307, { location: '/' })],
    ['a permanent redirect', 'STATUS', saying(308, { location: 'https://other.example/' })],
    ['status 201', 'STATUS', saying(201)],
    ['status 206', 'STATUS', saying(206)],
    ['status 401', 'STATUS', saying(401)],
    ['status 404', 'STATUS', saying(404, TYPE, `{"err":"${SECRET}"}`)],
    ['status 429', 'STATUS', saying(429)],
    ['status 500', 'STATUS', saying(500, TYPE, SECRET)],
    ['status 400 with a page', 'MEDIA_TYPE', saying(400, { 'content-type': 'text/html' }, SECRET)],
    ['status 400 without a type', 'MEDIA_TYPE', saying(400, {}, SECRET)],
    ['status 400 with an encoding', 'ENCODING', saying(400, { ...TYPE, 'content-encoding': 'gzip' }, gzipSync(SECRET))],
    ['status 400 with one byte too many', 'TOO_LARGE', saying(400, TYPE, 'a'.repeat(1_001))],
    ['status 400 with a body without end', 'TOO_LARGE', endless(400)],
    ['status 400 with a body that never ends', 'TIMEOUT', drip(400)],
    ['headers that never come', 'TIMEOUT', (request) => request.resume()],
    ['a receiver that never reads', 'TIMEOUT', () => undefined],
    ['headers of more than 16 KiB', 'TOO_LARGE', saying(202, { 'x-large': 'a'.repeat(17_000) })],
    ['a broken connection', 'UNREACHABLE', (request) => request.socket.destroy()],
    ['something else than HTTP', 'UNREACHABLE', (request) => request.socket.end(`SSH-2.0-${SECRET}\r\n`)],
  ])('refuses %s with %s, after one request', async (_name, why, answer) => {
    const { port, requests } = await startOutside(answer)
    const { outbound, outcomes } = openOutbound()
    // More than the buffers of a connection hold, so that the server must read it.
    const content = { ...DELIVERY.content, text: 'a'.repeat(why === 'TIMEOUT' ? 8_000_000 : 10) }
    const delivery = { ...DELIVERY, content, timeoutMs: why === 'TIMEOUT' ? 300 : 10_000 }
    const refusal = await outbound
      .deliver(`http://events.alpha.test:${port}/`, delivery)
      .catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'OutboundError', why })
    expect(inspect(refusal)).not.toContain(SECRET)
    // On a busy machine the time may be over before the request has arrived.
    if (why !== 'TIMEOUT') expect(requests).toHaveLength(1)
    expect(outcomes).toEqual([why])
  })

  it.each([
    ['without TLS', 'URL_REFUSED', 'http://events.example/'],
    ['with another scheme', 'URL_REFUSED', 'ftp://events.example/'],
    ['with an IPv4 address', 'URL_REFUSED', 'https://127.0.0.1/'],
    ['with a short IPv4 address', 'URL_REFUSED', 'https://127.1/'],
    ['with a decimal IPv4 address', 'URL_REFUSED', 'https://2852039166/'],
    ['with an IPv6 address', 'URL_REFUSED', 'https://[::1]/'],
    ['with a mapped address', 'URL_REFUSED', 'https://[::ffff:169.254.169.254]/'],
    ['with a user', 'URL_REFUSED', 'https://user:secret@events.example/'],
    ['of a local name without test domains', 'ADDRESS_REFUSED', 'https://localhost/'],
    ['of a private host', 'ADDRESS_REFUSED', 'https://10.0.0.1.example/'],
    ['of the metadata service', 'ADDRESS_REFUSED', 'https://169.254.169.254.example/'],
    ['of the platform of Azure', 'ADDRESS_REFUSED', 'https://168.63.129.16.example/'],
    ['of a mapped host', 'ADDRESS_REFUSED', 'https://mapped.example/'],
    ['of a NAT64 host', 'ADDRESS_REFUSED', 'https://nat64.example/'],
    ['of the metadata service over IPv6', 'ADDRESS_REFUSED', 'https://ec2.example/'],
  ])('refuses a URL %s with %s: %s', async (_name, why, url) => {
    const named: Readonly<Record<string, string>> = {
      localhost: '127.0.0.1',
      'mapped.example': '::ffff:a9fe:a9fe',
      'nat64.example': '64:ff9b::a9fe:a9fe',
      'ec2.example': 'fd00:ec2::254',
    }
    const resolve = async (host: string) => {
      const address = named[host] ?? host.replace(/\.example$/, '')
      return [{ address, family: address.includes(':') ? 6 : 4 }]
    }
    const { outbound, outcomes } = openOutbound({ testDomains: false, resolve })
    await expect(outbound.deliver(url, DELIVERY)).rejects.toMatchObject({ why })
    expect(outcomes).toEqual([why])
  })

  it('leaves an origin alone that has failed five times, but not one that refuses with 400', async () => {
    let status = 400
    const { port, requests } = await startOutside((request, response) => saying(status, TYPE, '{}')(request, response))
    const { outbound } = openOutbound()
    const ask = () => outbound.deliver(`http://events.alpha.test:${port}/`, DELIVERY)
    for (let n = 0; n < 6; n += 1) await ask()
    status = 503
    for (let n = 0; n < 5; n += 1) await expect(ask()).rejects.toMatchObject({ why: 'STATUS', status: 503 })
    await expect(ask()).rejects.toMatchObject({ why: 'CIRCUIT_OPEN' })
    const other = outbound.deliver(`http://events.alpha.test:${port}/`, { ...DELIVERY, party: 'other ' })
    await expect(other).rejects.toMatchObject({ why: 'STATUS' })
    expect(requests).toHaveLength(12)
  })

  it('keeps within the budget that its outbound has', async () => {
    const { port, requests } = await startOutside(saying(202))
    const budget = { max: 4, part: 1 / 2, rate: { perMinute: 60, burst: 4 } }
    const { outbound } = openOutbound({ requests: budget, now: () => 0 })
    const ask = () => outbound.deliver(`http://events.alpha.test:${port}/`, DELIVERY)
    const all = await Promise.allSettled([ask(), ask(), ask()])
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    await ask()
    await ask()
    await expect(ask()).rejects.toMatchObject({ why: 'BUSY' })
    await outbound.deliver(`http://events.alpha.test:${port}/`, { ...DELIVERY, party: 'other ' })
    expect(requests).toHaveLength(5)
  })
})
