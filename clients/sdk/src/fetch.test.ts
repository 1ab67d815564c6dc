import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizedFetch } from './fetch.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly type: string | undefined
  readonly body: string
}

const servers: Server[] = []
let seen: Seen[]
let api: string
let other: string
let answers: ((request: Seen, response: ServerResponse) => void)[]
let count: number
let forgotten: string[]
let fetch: ReturnType<typeof authorizedFetch>

async function listen(): Promise<string> {
  const server = createServer((request, response) => void answer(request, response))
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
}

async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of message) body += String(chunk)
  const { method = '', url = '', headers } = message
  const request = { method, url, authorization: headers.authorization, type: headers['content-type'], body }
  seen.push(request)
  const next = answers.shift()
  if (next === undefined) response.end('done')
  else next(request, response)
}

const redirect = (status: number, location: string) => (_request: Seen, response: ServerResponse) =>
  void response.writeHead(status, { location }).end()
const unauthorized = (header: string) => (_request: Seen, response: ServerResponse) =>
  void response.writeHead(401, { 'www-authenticate': header }).end()

beforeEach(async () => {
  seen = []
  answers = []
  forgotten = []
  count = 0
  api = await listen()
  other = await listen()
  fetch = authorizedFetch({
    async token() {
      count += 1
      return `token-${count}`
    },
    forget: (token) => void forgotten.push(token),
    fetch: undefined,
  })
})
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

it('adds the token, over whatever stood there', async () => {
  const response = await fetch(`${api}/a`, { method: 'POST', body: 'text', headers: { authorization: 'Basic x' } })
  expect(await response.text()).toBe('done')
  expect(seen).toMatchObject([{ method: 'POST', url: '/a', authorization: 'Bearer token-1', body: 'text' }])
})

it('takes a Request as well, with a body that is a stream', async () => {
  await fetch(new Request(`${api}/a`, { method: 'PUT', body: 'text' }))
  await fetch(new URL(api), { method: 'PUT', body: new Blob(['stream']).stream(), duplex: 'half' })
  expect(seen).toMatchObject([{ method: 'PUT', body: 'text' }, { body: 'stream' }])
})

it.each(['http://api.example/', 'http://127.0.0.1.example/', 'http://localhost.example/', 'data:text/plain,x'])(
  'has no token for %s',
  async (url) => {
    await expect(fetch(url)).rejects.toMatchObject({ reason: 'INSECURE_ADDRESS' })
    expect(count).toBe(0)
  },
)

describe('a redirect', () => {
  it('within the origin is followed with the token', async () => {
    answers = [redirect(302, '/b')]
    expect(await (await fetch(`${api}/a`)).text()).toBe('done')
    expect(seen).toMatchObject([{ url: '/a' }, { url: '/b', authorization: 'Bearer token-1' }])
  })

  it.each([301, 302, 303, 307, 308])('%i to another origin is followed without it, there and back', async (status) => {
    answers = [redirect(status, `${other}/b`), redirect(status, `${api}/c`)]
    expect(await (await fetch(`${api}/a`)).text()).toBe('done')
    expect(seen.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/a', 'Bearer token-1'],
      ['/b', undefined],
      ['/c', undefined],
    ])
  })

  it('to another name of the same machine is one to another origin', async () => {
    answers = [redirect(307, `${api.replace('127.0.0.1', 'localhost')}/b`)]
    await fetch(`${api}/a`)
    expect(seen[1]).toMatchObject({ url: '/b', authorization: undefined })
  })

  it.each([
    [301, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', 'a=b'],
    [308, 'POST', 'a=b'],
  ])('%i of a POST is a %s', async (status, method, body) => {
    answers = [redirect(status, '/b')]
    await fetch(`${api}/a`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
    expect(seen[1]).toMatchObject({ method, body })
    expect(seen[1]?.type).toBe(body === '' ? undefined : 'application/x-www-form-urlencoded;charset=UTF-8')
  })

  it("is the caller's own where it wants that", async () => {
    answers = [redirect(302, '/b'), redirect(302, '/b')]
    expect((await fetch(`${api}/a`, { redirect: 'manual' })).status).toBe(302)
    await expect(fetch(`${api}/a`, { redirect: 'error' })).rejects.toMatchObject({ reason: 'REDIRECT_REFUSED' })
  })

  it.each([
    ['in a circle', () => Array.from({ length: 30 }, () => redirect(302, '/a'))],
    ['to no URL', () => [redirect(302, 'http://')]],
    ['to a script', () => [redirect(302, 'data:text/plain,x')]],
  ])('%s is refused', async (_name, circle) => {
    answers = circle()
    await expect(fetch(`${api}/a`)).rejects.toMatchObject({ reason: 'REDIRECT_REFUSED' })
  })

  it('of a stream that would have to be sent again is refused', async () => {
    answers = [redirect(307, '/b')]
    const request = fetch(api, { method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' })
    await expect(request).rejects.toMatchObject({ reason: 'REDIRECT_REFUSED' })
  })
})

describe('an answer of 401', () => {
  const INVALID = 'Bearer realm="api", error="invalid_token"'

  it('that refuses the token is tried once more with a new one', async () => {
    answers = [unauthorized(INVALID)]
    const form = new FormData()
    form.set('a', 'b')
    expect((await fetch(`${api}/a`, { method: 'POST', body: form })).status).toBe(200)
    expect(forgotten).toEqual(['token-1'])
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect(seen.every(({ type, body }) => body.includes(type?.split('boundary=')[1] ?? 'none'))).toBe(true)
  })

  it('that refuses the new one, too, is the answer', async () => {
    answers = [unauthorized(INVALID), unauthorized(INVALID)]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(seen).toHaveLength(2)
  })

  it.each([
    ['wants another scheme', 'Basic realm="error=invalid_token"'],
    ['wants more scope', 'Bearer error="insufficient_scope"'],
    ['speaks of it in passing', 'Bearer realm="x", error_description="invalid_token"'],
    ['says nothing', 'Bearer'],
  ])('that %s is the answer', async (_name, header) => {
    answers = [unauthorized(header)]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(forgotten).toEqual([])
  })

  it('to a stream is the answer, and the token is forgotten', async () => {
    answers = [unauthorized(INVALID)]
    const body = new Blob(['stream']).stream()
    expect((await fetch(api, { method: 'POST', body, duplex: 'half' })).status).toBe(401)
    expect(forgotten).toEqual(['token-1'])
  })

  it('of another origin that a redirect led to says nothing about the token', async () => {
    answers = [redirect(302, `${other}/b`), unauthorized(INVALID)]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(forgotten).toEqual([])
  })
})
