import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { Hono } from 'hono'
import { expect, it, onTestFinished } from 'vitest'
import { fakeIssuer, newToken } from '../../../test/support/offline-verifier.ts'
import type { Verifier } from './create-verifier.ts'
import { protect as protectFastify } from './fastify.ts'
import { protect as protectHono } from './hono.ts'
import { protect as protectMcp } from './mcp.ts'

/** Calls an API with these Authorization headers. Resolves with the status. */
type Call = (...authorization: readonly string[]) => Promise<number>

/** Calls over HTTP/2, with headers that an HTTP/1 client would refuse to send. */
async function callOverHttp2(
  address: AddressInfo | string | null | undefined,
  authorization: readonly string[],
): Promise<number> {
  if (typeof address !== 'object' || address === null) throw new Error('The server does not listen on a TCP port')
  const options = { settings: {}, strictSingleValueFields: false }
  const session = connect(`http://127.0.0.1:${address.port}`, options)
  const stream = session.request([':path', '/', ...authorization.flatMap((value) => ['authorization', value])])
  const [headers] = await once(stream, 'response')
  session.destroy()
  return headers[':status']
}

const start: Readonly<Record<string, (verifier: Verifier) => Promise<Call>>> = {
  async 'Fastify, injected'(verifier) {
    const app = fastify()
    app.get('/', { onRequest: protectFastify(verifier) }, ({ claims }) => claims?.sub)
    return async (...authorization) => {
      // The types do not allow a header that occurs twice.
      const headers: object = authorization.length === 0 ? {} : { authorization }
      return (await app.inject({ url: '/', headers: { ...headers } })).statusCode
    }
  },
  async 'Fastify over HTTP/2'(verifier) {
    const app = fastify({ http2: true })
    app.get('/', { onRequest: protectFastify(verifier) }, ({ claims }) => claims?.sub)
    await app.listen({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => app.close())
    return (...authorization) => callOverHttp2(app.server.address(), authorization)
  },
  async 'an MCP server over HTTP/2'(verifier) {
    const guard = protectMcp(verifier, { resource: 'https://api.example.com/mcp' })
    const server = createServer((request, response) => {
      void guard(request, response, () => response.end())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    return (...authorization) => callOverHttp2(server.address(), authorization)
  },
  async 'Hono with a request object of the platform'(verifier) {
    const app = new Hono().get('/', protectHono(verifier), (context) => context.text(''))
    return async (...authorization) => {
      const headers = authorization.map((value): [string, string] => ['authorization', value])
      return (await app.request('/', { headers })).status
    }
  },
}

it.each(Object.keys(start))('protect of %s decides from exactly one Authorization header', async (name) => {
  const issuer = fakeIssuer()
  const call = await start[name]?.(issuer.newVerifier())
  const token = newToken(issuer.key)
  expect(await call?.(`Bearer ${token}`)).toBe(200)
  expect(await call?.(`bearer ${token}`)).toBe(200)
  expect(await call?.()).toBe(401)
  expect(await call?.(`Bearer ${newToken(issuer.key, { aud: ['https://c.example'] })}`)).toBe(401)
  for (const wrong of [`Bearer\t${token}`, `Basic ${token}`, token, 'Bearer', `Bearer ${token},x`]) {
    expect(await call?.(wrong)).toBe(400)
  }
  expect(await call?.(`Bearer ${token}`, `Bearer ${token}`)).toBe(400)
  expect(await call?.(`Bearer ${token}`, 'Basic x')).toBe(400)
})
