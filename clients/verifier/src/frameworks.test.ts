import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { Hono } from 'hono'
import { expect, it, onTestFinished } from 'vitest'
import { boundClient } from '../../../test/clients/verifier/proofs.ts'
import { fakeIssuer, newToken } from '../../../test/support/offline-verifier.ts'
import type { Verifier } from './create-verifier.ts'
import { protect as protectFastify } from './fastify.ts'
import { protect as protectHono } from './hono.ts'
import { protect as protectMcp } from './mcp.ts'

type Header = readonly [name: 'authorization' | 'dpop', value: string]
/** Calls `GET /orders` of an API with these headers. Resolves with the status. */
type Call = (...headers: readonly Header[]) => Promise<number>

/** Calls over HTTP/2, with headers that an HTTP/1 client would refuse to send. */
async function callOverHttp2(
  address: AddressInfo | string | null | undefined,
  headers: readonly Header[],
): Promise<number> {
  if (typeof address !== 'object' || address === null) throw new Error('The server does not listen on a TCP port')
  const options = { settings: {}, strictSingleValueFields: false }
  const session = connect(`http://127.0.0.1:${address.port}`, options)
  const stream = session.request([':path', '/orders?page=2', ':authority', 'evil.example', ...headers.flat()])
  const [answered] = await once(stream, 'response')
  session.destroy()
  return answered[':status']
}

const start: Readonly<Record<string, (verifier: Verifier) => Promise<Call>>> = {
  async 'Fastify, injected'(verifier) {
    const app = fastify()
    app.get('/orders', { onRequest: protectFastify(verifier) }, ({ claims }) => claims?.sub)
    return async (...headers) => {
      const lists = Object.groupBy(headers, ([name]) => name)
      // The types do not allow a header that occurs twice.
      const sent = Object.fromEntries(
        Object.entries(lists).map(([name, list]) => [name, list.map(([, value]) => value)]),
      )
      const given: object = sent
      return (await app.inject({ url: '/orders?page=2', headers: { host: 'evil.example', ...given } })).statusCode
    }
  },
  async 'Fastify over HTTP/2'(verifier) {
    const app = fastify({ http2: true })
    app.get('/orders', { onRequest: protectFastify(verifier) }, ({ claims }) => claims?.sub)
    await app.listen({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => app.close())
    return (...headers) => callOverHttp2(app.server.address(), headers)
  },
  async 'an MCP server over HTTP/2'(verifier) {
    const guard = protectMcp(verifier, { resource: 'https://b.example/mcp', audience: verifier.settings.audience })
    const server = createServer((request, response) => {
      void guard(request, response, () => response.end())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    return (...headers) => callOverHttp2(server.address(), headers)
  },
  async 'Hono with a request object of the platform'(verifier) {
    const app = new Hono().get('/orders', protectHono(verifier), (context) => context.text(''))
    return async (...headers) => {
      const pairs = headers.map(([name, value]): [string, string] => [name, value])
      return (await app.request('https://evil.example/orders?page=2', { headers: pairs })).status
    }
  },
}

it.each(Object.keys(start))('protect of %s decides from exactly one Authorization header', async (name) => {
  const issuer = fakeIssuer()
  const send = await start[name]?.(issuer.newVerifier())
  const call = (...values: readonly string[]) => send?.(...values.map((value): Header => ['authorization', value]))
  const token = newToken(issuer.key)
  expect(await call(`Bearer ${token}`)).toBe(200)
  expect(await call(`bearer ${token}`)).toBe(200)
  expect(await call()).toBe(401)
  expect(await call(`Bearer ${newToken(issuer.key, { aud: ['https://c.example'] })}`)).toBe(401)
  for (const wrong of [`Bearer\t${token}`, `Basic ${token}`, token, 'Bearer', `Bearer ${token},x`]) {
    expect(await call(wrong)).toBe(400)
  }
  expect(await call(`Bearer ${token}`, `Bearer ${token}`)).toBe(400)
  expect(await call(`Bearer ${token}`, 'Basic x')).toBe(400)
})

it.each(Object.keys(start))(
  'protect of %s accepts a bound token with exactly one proof for the public URL',
  async (name) => {
    const issuer = fakeIssuer()
    const call = await start[name]?.(issuer.newVerifier())
    const client = boundClient(issuer.key)
    const token = client.newToken()
    const proof = (url = 'https://b.example/orders', method = 'GET'): Header => [
      'dpop',
      client.prove({ url, method, token }),
    ]
    const authorization: Header = ['authorization', `DPoP ${token}`]
    const used = proof()
    expect(await call?.(authorization, used)).toBe(200)
    expect(await call?.(['authorization', `dpop ${token}`], proof())).toBe(200)
    const refused: readonly (readonly Header[])[] = [
      [authorization, used],
      [authorization],
      [authorization, proof(), proof()],
      [authorization, proof('https://evil.example/orders')],
      [authorization, proof('https://b.example/')],
      [authorization, proof('https://b.example/orders', 'POST')],
      [['authorization', `Bearer ${token}`], proof()],
      [['authorization', `Bearer ${token}`]],
      [['authorization', `DPoP ${newToken(issuer.key)}`], proof()],
    ]
    for (const headers of refused) expect(await call?.(...headers)).toBe(401)
    expect(await call?.(authorization, authorization, proof())).toBe(400)
  },
)
