import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { Auth4AgentError } from '@auth4agent/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { type ApiProxyOptions, startApiProxy } from './api-proxy.ts'
import type { Proxy, ProxyEntry } from './local-server.ts'

const PREFIX = '0123456789abcdef0123456789abcdef'

/** A request that the API received. */
interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let started: AsyncDisposableStack
let seen: Seen[]
let entries: ProxyEntry[]
let respond: (response: ServerResponse) => void
let api: string
let proxy: Proxy

beforeEach(async () => {
  started = new AsyncDisposableStack()
  seen = []
  entries = []
  respond = (response) => void response.end('done')
  api = await startApi()
  proxy = await start()
})
afterEach(() => started.disposeAsync())

async function startApi(): Promise<string> {
  const server = createServer((request, response) => void receive(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '', headers } = request
  seen.push({ method, url, headers, body: await text(request) })
  respond(response)
}

/** Sends a request with a token, as an agent does. */
const withToken: ApiProxyOptions['fetch'] = (input, init) => {
  const request = new Request(input, init)
  request.headers.set('authorization', 'DPoP token')
  request.headers.set('dpop', 'proof')
  return fetch(request)
}

async function start(options: Partial<ApiProxyOptions> = {}): Promise<Proxy> {
  const made = await startApiProxy({
    api,
    fetch: withToken,
    prefix: PREFIX,
    onRequest: (entry) => entries.push(entry),
    host: '127.0.0.1',
    port: 0,
    ...options,
  })
  started.defer(() => made.close(20))
  return made
}

describe('the API proxy', () => {
  it("sends a request with the agent's token in place of the caller's own", async () => {
    const headers = { authorization: 'Basic x', dpop: 'mine', 'x-other': '1', 'content-type': 'text/plain' }
    const answer = await fetch(`${proxy.url}/orders/a%20b?page=1`, { method: 'POST', body: 'text', headers })
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 200, body: 'done' })
    expect(seen).toMatchObject([
      {
        method: 'POST',
        url: '/orders/a%20b?page=1',
        body: 'text',
        headers: {
          host: api.slice('http://'.length),
          authorization: 'DPoP token',
          dpop: 'proof',
          'x-other': '1',
          'content-type': 'text/plain',
          'accept-encoding': 'identity',
        },
      },
    ])
  })

  it('sends requests below the path of the API', async () => {
    const below = await start({ api: `${api}/v2` })
    await fetch(`${below.url}/orders`)
    expect(seen).toMatchObject([{ url: '/v2/orders' }])
  })

  it.each([
    ['another prefix', '/0123456789abcdef0123456789abcdee/orders', {}, 404],
    ['dot segments', `/${PREFIX}/a%2F..%2Fb`, {}, 400],
    ['a web page', `/${PREFIX}/orders`, { origin: 'https://evil.example' }, 403],
  ])('refuses a request with %s and sends nothing', async (_name, path, headers: Record<string, string>, status) => {
    const answer = await fetch(new URL(path, proxy.url), { headers })
    expect(answer.status).toBe(status)
    expect(seen).toEqual([])
  })

  it('passes on status, headers, cookies and body', async () => {
    respond = (response) => {
      const headers = { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'], connection: 'x-hop', 'x-hop': '1' }
      response.writeHead(404, headers).end('missing')
    }
    const answer = await fetch(`${proxy.url}/orders`)
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 404, body: 'missing' })
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(answer.headers.get('content-type')).toBe('text/plain')
  })

  it('passes on a body that the API compressed nevertheless', async () => {
    const body = gzipSync('compressed')
    respond = (response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body)
    expect(await (await fetch(`${proxy.url}/orders`)).text()).toBe('compressed')
  })

  it('passes on answers without a body', async () => {
    respond = (response) => void response.writeHead(204).end()
    expect((await fetch(`${proxy.url}/orders`, { method: 'DELETE' })).status).toBe(204)
    respond = (response) => void response.writeHead(200, { 'content-length': 10 }).end()
    const head = await fetch(`${proxy.url}/orders`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10'])
  })

  it('passes on a stream one event at a time', async () => {
    const { promise: open, resolve } = Promise.withResolvers<ServerResponse>()
    respond = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      resolve(response)
    }
    const reader = (await fetch(`${proxy.url}/events`)).body?.getReader()
    const response = await open
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      response.write(event)
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(event)
    }
    const closed = once(response, 'close')
    await reader?.cancel()
    await closed
  })

  it.each([
    ['/orders/1', (own: string) => `${own}/orders/1`],
    ['2', (own: string) => `${own}/orders/2`],
    ['https://other.example/', () => 'https://other.example/'],
  ])('passes on a redirect to %s without following it', async (location, expected) => {
    respond = (response) => void response.writeHead(307, { location }).end()
    const answer = await fetch(`${proxy.url}/orders/1`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([307, expected(proxy.url)])
    expect(seen).toHaveLength(1)
  })

  it('changes a full address of the API in a redirect to its own', async () => {
    respond = (response) => void response.writeHead(303, { location: `${api}/orders/3?new` }).end()
    const answer = await fetch(`${proxy.url}/orders`, { redirect: 'manual', method: 'POST' })
    expect(answer.headers.get('location')).toBe(`${proxy.url}/orders/3?new`)
  })

  it('logs each request without prefix, query and token', async () => {
    await fetch(`${proxy.url}/orders?secret=1`)
    expect(entries).toEqual([{ method: 'GET', path: '/orders', status: 200, signed: undefined, refused: undefined }])
  })
})

const reasonOf = async (answer: Response) => ({ status: answer.status, body: await answer.json() })

describe('the API proxy answers', () => {
  it('502 with the reason if the agent gets no token', async () => {
    const error = new Auth4AgentError('The agent is not active', { reason: 'AGENT_NOT_ACTIVE', status: 403 })
    const refused = await start({ fetch: () => Promise.reject(error) })
    expect(await reasonOf(await fetch(`${refused.url}/orders`))).toMatchObject({
      status: 502,
      body: { reason: 'AGENT_NOT_ACTIVE', detail: 'The agent got no token: The agent is not active' },
    })
  })

  it('502 if the API cannot be reached', async () => {
    const nowhere = await start({ api: `http://127.0.0.1:${await freePort()}` })
    expect(await reasonOf(await fetch(`${nowhere.url}/orders`))).toMatchObject({
      status: 502,
      body: { reason: 'NETWORK_ERROR', detail: expect.stringContaining('ECONNREFUSED') },
    })
  })

  it('504 if the API is silent', async () => {
    respond = () => undefined
    const silent = await start({ timeoutMs: 20 })
    expect((await fetch(`${silent.url}/orders`)).status).toBe(504)
  })
})

it('the API proxy aborts its request when the client disconnects', async () => {
  const { promise: arrived, resolve } = Promise.withResolvers<ServerResponse>()
  respond = resolve
  const leaving = new AbortController()
  const call = fetch(`${proxy.url}/orders`, { signal: leaving.signal })
  const closed = once(await arrived, 'close')
  leaving.abort()
  await expect(call).rejects.toThrow('aborted')
  await closed
})
