import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizedFetch } from './fetch.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly dpop: unknown
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
  const { authorization, dpop, 'content-type': type } = headers
  const request = { method, url, authorization, dpop, type, body }
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
    dpop: undefined,
    fetch: undefined,
  })
})
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

it("authorizedFetch replaces the caller's Authorization header by the token, and removes its proof", async () => {
  const headers = { authorization: 'Basic x', dpop: 'another' }
  const response = await fetch(`${api}/a`, { method: 'POST', body: 'text', headers })
  expect(await response.text()).toBe('done')
  expect(seen).toMatchObject([{ method: 'POST', url: '/a', authorization: 'Bearer token-1', body: 'text' }])
  expect(seen).toMatchObject([{ dpop: undefined }])
})

it('authorizedFetch accepts a Request, and a body that is a stream', async () => {
  await fetch(new Request(`${api}/a`, { method: 'PUT', body: 'text' }))
  await fetch(new URL(api), { method: 'PUT', body: new Blob(['stream']).stream(), duplex: 'half' })
  expect(seen).toMatchObject([{ method: 'PUT', body: 'text' }, { body: 'stream' }])
})

it.each(['http://api.example/', 'http://127.0.0.1.example/', 'http://localhost.example/', 'data:text/plain,x'])(
  'authorizedFetch refuses %s with INSECURE_ADDRESS and gets no token',
  async (url) => {
    await expect(fetch(url)).rejects.toMatchObject({ reason: 'INSECURE_ADDRESS' })
    expect(count).toBe(0)
  },
)

describe('authorizedFetch', () => {
  it('follows a redirect within the origin with the token', async () => {
    answers = [redirect(302, '/b')]
    expect(await (await fetch(`${api}/a`)).text()).toBe('done')
    expect(seen).toMatchObject([{ url: '/a' }, { url: '/b', authorization: 'Bearer token-1' }])
  })

  it.each([301, 302, 303, 307, 308])(
    'follows a redirect %i to another origin and back without the token',
    async (status) => {
      answers = [redirect(status, `${other}/b`), redirect(status, `${api}/c`)]
      expect(await (await fetch(`${api}/a`)).text()).toBe('done')
      expect(seen.map(({ url, authorization }) => [url, authorization])).toEqual([
        ['/a', 'Bearer token-1'],
        ['/b', undefined],
        ['/c', undefined],
      ])
    },
  )

  it('follows a redirect from 127.0.0.1 to localhost without the token', async () => {
    answers = [redirect(307, `${api.replace('127.0.0.1', 'localhost')}/b`)]
    await fetch(`${api}/a`)
    expect(seen[1]).toMatchObject({ url: '/b', authorization: undefined })
  })

  it.each([
    [301, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', 'a=b'],
    [308, 'POST', 'a=b'],
  ])('follows a redirect %i of a POST with %s', async (status, method, body) => {
    answers = [redirect(status, '/b')]
    await fetch(`${api}/a`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })
    expect(seen[1]).toMatchObject({ method, body })
    expect(seen[1]?.type).toBe(body === '' ? undefined : 'application/x-www-form-urlencoded;charset=UTF-8')
  })

  it("leaves a redirect to the caller with redirect: 'manual', and refuses it with redirect: 'error'", async () => {
    answers = [redirect(302, '/b'), redirect(302, '/b')]
    expect((await fetch(`${api}/a`, { redirect: 'manual' })).status).toBe(302)
    await expect(fetch(`${api}/a`, { redirect: 'error' })).rejects.toMatchObject({ reason: 'REDIRECT_REFUSED' })
  })

  it.each([
    ['in a loop', () => Array.from({ length: 30 }, () => redirect(302, '/a'))],
    ['to an invalid URL', () => [redirect(302, 'http://')]],
    ['to a data URL', () => [redirect(302, 'data:text/plain,x')]],
  ])('refuses a redirect %s', async (_name, circle) => {
    answers = circle()
    await expect(fetch(`${api}/a`)).rejects.toMatchObject({ reason: 'REDIRECT_REFUSED' })
  })

  it('refuses a redirect that would have to send a stream again', async () => {
    answers = [redirect(307, '/b')]
    const request = fetch(api, { method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' })
    await expect(request).rejects.toMatchObject({ reason: 'REDIRECT_REFUSED' })
  })
})

describe('authorizedFetch, after a 401', () => {
  const INVALID = 'Bearer realm="api", error="invalid_token"'

  it('sends the request once more with a new token if the token was refused', async () => {
    answers = [unauthorized(INVALID)]
    const form = new FormData()
    form.set('a', 'b')
    expect((await fetch(`${api}/a`, { method: 'POST', body: form })).status).toBe(200)
    expect(forgotten).toEqual(['token-1'])
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect(seen.every(({ type, body }) => body.includes(type?.split('boundary=')[1] ?? 'none'))).toBe(true)
  })

  it('returns a second 401 to the caller', async () => {
    answers = [unauthorized(INVALID), unauthorized(INVALID)]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(seen).toHaveLength(2)
  })

  it.each([
    ['names another scheme', 'Basic realm="error=invalid_token"'],
    ['asks for more scope', 'Bearer error="insufficient_scope"'],
    ['has invalid_token only in its description', 'Bearer realm="x", error_description="invalid_token"'],
    ['gives no reason', 'Bearer'],
  ])('returns a 401 that %s, and keeps the token', async (_name, header) => {
    answers = [unauthorized(header)]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(forgotten).toEqual([])
  })

  it('returns the 401 for a body that was a stream, and forgets the token', async () => {
    answers = [unauthorized(INVALID)]
    const body = new Blob(['stream']).stream()
    expect((await fetch(api, { method: 'POST', body, duplex: 'half' })).status).toBe(401)
    expect(forgotten).toEqual(['token-1'])
  })

  it('keeps the token if the 401 comes from another origin after a redirect', async () => {
    answers = [redirect(302, `${other}/b`), unauthorized(INVALID)]
    expect((await fetch(`${api}/a`)).status).toBe(401)
    expect(forgotten).toEqual([])
  })
})
