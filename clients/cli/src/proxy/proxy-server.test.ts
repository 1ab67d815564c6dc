import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Proxy, ProxyEntry } from './local-server.ts'
import { type ProxyOptions, startProxy } from './proxy-server.ts'

const PREFIX = '0123456789abcdef0123456789abcdef'
const OWN = '0190c3a8-2f5e-8000-8000-00000000000a'
const AGENTS = `/v1/operators/${OWN}/agents`

/** A request that the server received. */
interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  readonly authorization: string | undefined
  readonly host: string | undefined
  readonly body: string
}

let started: AsyncDisposableStack
let seen: Seen[]
let entries: ProxyEntry[]
let respond: (request: IncomingMessage, response: ServerResponse) => void
let upstream: URL
let proxy: Proxy

beforeEach(async () => {
  started = new AsyncDisposableStack()
  seen = []
  entries = []
  respond = (_request, response) => void response.end('{}')
  upstream = await startUpstream()
  proxy = await start()
})
afterEach(() => started.disposeAsync())

async function startUpstream(): Promise<URL> {
  const server = createServer((request, response) => void receive(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return new URL(`http://127.0.0.1:${port}`)
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '', rawHeaders, headers } = request
  const body = await text(request)
  seen.push({ method, url, headers: rawHeaders, authorization: headers.authorization, host: headers.host, body })
  respond(request, response)
}

async function start(options: Partial<ProxyOptions> = {}): Promise<Proxy> {
  const made = await startProxy({
    server: upstream,
    issuer: 'https://auth.example',
    prefix: PREFIX,
    operatorId: OWN,
    sign: async (rpc) => `signed(${rpc})`,
    signs: () => true,
    onRequest: (entry) => entries.push(entry),
    host: '127.0.0.1',
    port: 0,
    ...options,
  })
  started.defer(() => made.close(20))
  return made
}

/** Sends bytes unchanged, which fetch would not do. Returns the whole answer. */
async function sendRaw(...lines: readonly string[]): Promise<string> {
  const { port, hostname } = new URL(proxy.url)
  const socket = connect(Number(port), hostname)
  const head = lines.map((line) => line.replaceAll('HOST', `127.0.0.1:${port}`))
  socket.write(`${head.join('\r\n')}\r\n`)
  return text(socket)
}

const get = (path: string, ...headers: readonly string[]) =>
  sendRaw(`GET ${path} HTTP/1.1`, 'Host: HOST', 'Connection: close', ...headers, '')

const reasonOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).reason

describe('the proxy signs', () => {
  it('an operator call, for exactly the path that it sends', async () => {
    const body = JSON.stringify({ did: 'x', allowed_scopes: ['read'] })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${proxy.url}${AGENTS}/scopes`, { method: 'PATCH', body, headers })
    await fetch(`${proxy.url}${AGENTS}/did%3Aagent%3Aa.example:00/revoke?x=1`, { method: 'POST' })
    await fetch(`${proxy.url}${AGENTS}?page_size=2`)
    expect(seen.map(({ method, url, authorization }) => [method, url, authorization])).toEqual([
      ['PATCH', `${AGENTS}/scopes`, `Bearer signed(PATCH ${AGENTS}/scopes)`],
      [
        'POST',
        `${AGENTS}/did%3Aagent%3Aa.example:00/revoke?x=1`,
        `Bearer signed(POST ${AGENTS}/did%3Aagent%3Aa.example:00/revoke)`,
      ],
      ['GET', `${AGENTS}?page_size=2`, `Bearer signed(GET ${AGENTS})`],
    ])
    expect(seen[0]?.body).toBe(body)
  })

  it("a path that includes the server's base path", async () => {
    const below = await start({ server: new URL('/auth/', upstream) })
    await fetch(`${below.url}${AGENTS}`)
    expect(seen).toMatchObject([{ url: `/auth${AGENTS}`, authorization: `Bearer signed(GET /auth${AGENTS})` }])
  })

  it.each([
    ['by jti', '{"jti":"a"}', 'Bearer signed(POST /v1/revoke/token)'],
    ['by the token itself', '{"token":"a.b.c"}', undefined],
    ['by an empty jti', '{"token":"a.b.c","jti":""}', undefined],
    ['by nothing', 'null', undefined],
    ['by invalid JSON', '{', undefined],
  ])('a revocation only by jti: %s', async (_name, body, authorization) => {
    await fetch(`${proxy.url}/v1/revoke/token`, { method: 'POST', body })
    expect(seen).toMatchObject([{ authorization, body }])
  })

  it.each([
    ['registration of an operator', 'POST', '/v1/operators'],
    ['confirmation of a domain', 'POST', `/v1/operators/verify/${OWN}`],
    ['registration of an agent', 'POST', AGENTS],
    ['request for a token', 'POST', '/v1/token'],
    ['read of the JWKS', 'GET', '/.well-known/jwks.json'],
    ['call of another operator', 'GET', '/v1/operators/0190c3a8-2f5e-8000-8000-00000000000b/agents'],
  ])('no %s', async (_name, method, path) => {
    await fetch(proxy.url + path, { method })
    expect(seen).toMatchObject([{ method, url: path, authorization: undefined }])
  })

  it('no call that has its own authorization, which it forwards unchanged', async () => {
    await fetch(`${proxy.url}${AGENTS}`, { headers: { authorization: 'Bearer mine' } })
    expect(seen).toMatchObject([{ authorization: 'Bearer mine' }])
    expect(seen[0]?.headers.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1)
    expect(entries).toMatchObject([{ signed: undefined }])
  })

  it('no call that it may not sign, and answers 403', async () => {
    const readOnly = await start({ signs: ({ reads }) => reads })
    const refused = await fetch(`${readOnly.url}${AGENTS}/scopes`, { method: 'PATCH', body: '{}' })
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 403,
      body: { reason: 'NOT_SIGNED_HERE', error: expect.stringContaining('set-agent-scopes') },
    })
    expect((await fetch(`${readOnly.url}${AGENTS}`)).status).toBe(200)
    expect(seen).toHaveLength(1)
  })

  it('nothing if signing fails, answers 500 and sends nothing', async () => {
    const broken = await start({ sign: () => Promise.reject(new Error('the key is gone')) })
    const answer = await fetch(`${broken.url}${AGENTS}`)
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 500,
      body: { reason: 'INTERNAL' },
    })
    expect(seen).toEqual([])
  })
})

describe('the proxy refuses without sending anything', () => {
  afterEach(() => expect(seen).toEqual([]))

  it.each([
    ['another prefix', '/0123456789abcdef0123456789abcdee/health', [], 'NOT_FOUND'],
    ['no prefix', '/health', [], 'NOT_FOUND'],
    ['another origin as the target', `http://evil.example/${PREFIX}/health`, [], 'NOT_FOUND'],
    ['dot segments', `/${PREFIX}/v1/../health`, [], 'INVALID_ARGUMENT'],
    ['encoded slashes', `/${PREFIX}/v1%2Foperators`, [], 'INVALID_ARGUMENT'],
    ['a script of a page', `/${PREFIX}/health`, ['Origin: https://evil.example'], 'BROWSER_REFUSED'],
    ['a page without an origin', `/${PREFIX}/health`, ['Origin: null'], 'BROWSER_REFUSED'],
    ['a link or an image', `/${PREFIX}/health`, ['Sec-Fetch-Site: none'], 'BROWSER_REFUSED'],
  ])('%s', async (_name, path, headers, reason) => {
    expect(reasonOf(await get(path, ...headers))).toBe(reason)
    expect(JSON.stringify(entries)).not.toContain(PREFIX.slice(0, 8))
  })

  it.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', '[::2]:80', '0.0.0.0:80'])(
    'the Host header %s',
    async (host) => {
      const answer = await sendRaw(`GET /${PREFIX}/health HTTP/1.1`, `Host: ${host}`, 'Connection: close', '')
      expect(answer).toMatch(/^HTTP\/1\.1 421 /)
    },
  )

  it.each(['TRACE', 'OPTIONS'])('the method %s', async (method) => {
    expect(reasonOf(await sendRaw(`${method} /${PREFIX}/health HTTP/1.1`, 'Host: HOST', 'Connection: close', ''))).toBe(
      'METHOD_NOT_ALLOWED',
    )
  })

  it('CONNECT, without an answer', async () => {
    expect(await sendRaw('CONNECT evil.example:443 HTTP/1.1', 'Host: HOST', '')).toBe('')
  })

  it('a body that is too large', async () => {
    const answer = await fetch(`${proxy.url}/v1/token`, { method: 'POST', body: 'a'.repeat(1_048_577) })
    expect(answer.status).toBe(413)
  })
})

describe('the proxy forwards', () => {
  it('a chunked request with a content-length', async () => {
    await sendRaw(
      `GET /${PREFIX}/health HTTP/1.1`,
      'Host: HOST',
      'Connection: close, X-Hop',
      'X-Hop: 1',
      'X-End: 2',
      'Expect: 100-continue',
      'Transfer-Encoding: chunked',
      '',
      '14',
      'GET /v1/keys HTTP/1.',
      '0',
      '',
    )
    expect(seen).toMatchObject([{ method: 'GET', url: '/health', host: upstream.host, body: 'GET /v1/keys HTTP/1.' }])
    expect(seen[0]?.headers).toEqual([
      'host',
      upstream.host,
      'X-End',
      '2',
      'content-length',
      '20',
      'connection',
      'close',
    ])
  })

  it('an answer in parts, one event at a time', async () => {
    const { promise: open, resolve } = Promise.withResolvers<ServerResponse>()
    respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'x-hop', 'x-hop': '1', 'x-end': '2' })
      response.flushHeaders()
      resolve(response)
    }
    const answer = await fetch(`${proxy.url}/v1/revocations`)
    expect([...answer.headers.keys()]).not.toContain('x-hop')
    expect(answer.headers.get('x-end')).toBe('2')
    const reader = answer.body?.getReader()
    const response = await open
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      response.write(event)
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(event)
    }
    const closed = once(response, 'close')
    await reader?.cancel()
    await closed
  })

  it('a link to the next page with its own address', async () => {
    const next = `<https://auth.example${AGENTS}?page_token=a>; rel="next"`
    respond = (_request, response) => void response.writeHead(200, { link: next }).end('[]')
    const answer = await fetch(`${proxy.url}${AGENTS}`)
    expect(answer.headers.get('link')).toBe(`<${proxy.url}${AGENTS}?page_token=a>; rel="next"`)
  })

  it('a redirection without following it', async () => {
    respond = (_request, response) => void response.writeHead(307, { location: 'https://evil.example/' }).end()
    const answer = await fetch(`${proxy.url}${AGENTS}`, { redirect: 'manual' })
    expect([answer.status, answer.headers.get('location')]).toEqual([307, 'https://evil.example/'])
    expect(seen).toHaveLength(1)
  })

  it('a broken connection if the server breaks its answer off', async () => {
    respond = (_request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('abc')
      setImmediate(() => response.destroy())
    }
    const answer = await fetch(`${proxy.url}/health`)
    await expect(answer.text()).rejects.toThrow()
  })
})

describe('the proxy answers', () => {
  it('502 if the server cannot be reached', async () => {
    const nowhere = await start({ server: new URL('http://127.0.0.1:1') })
    const answer = await fetch(`${nowhere.url}/health`)
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 502,
      body: { reason: 'NETWORK_ERROR', detail: expect.stringContaining('ECONNREFUSED') },
    })
  })

  it('502 if the server switches to another protocol', async () => {
    respond = ({ socket }) =>
      void socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    expect((await fetch(`${proxy.url}/health`)).status).toBe(502)
  })

  it('504 if the server is silent', async () => {
    respond = () => undefined
    const silent = await start({ timeoutMs: 20 })
    expect((await fetch(`${silent.url}/health`)).status).toBe(504)
  })
})

it('the proxy aborts its request when the client disconnects', async () => {
  const { promise: arrived, resolve } = Promise.withResolvers<ServerResponse>()
  respond = (_request, response) => resolve(response)
  const leaving = new AbortController()
  const call = fetch(`${proxy.url}/health`, { signal: leaving.signal })
  const closed = once(await arrived, 'close')
  leaving.abort()
  await expect(call).rejects.toThrow('aborted')
  await closed
})

it('the proxy logs each request without prefix, query and assertion', async () => {
  await fetch(`${proxy.url}${AGENTS}?page_token=secret`)
  await fetch(`${proxy.url}/health`)
  expect(entries).toEqual([
    { method: 'GET', path: AGENTS, status: 200, signed: 'list-agents', refused: undefined },
    { method: 'GET', path: '/health', status: 200, signed: undefined, refused: undefined },
  ])
})

it('the proxy closes even if a stream is open', async () => {
  respond = (_request, response) => void response.writeHead(200).write('data: 1\n\n')
  const answer = await fetch(`${proxy.url}/v1/revocations`)
  await proxy.close(20)
  await expect(answer.text()).rejects.toThrow()
})
