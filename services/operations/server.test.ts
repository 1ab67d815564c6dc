import { get } from 'node:https'
import { expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../test/support/certificate.ts'
import { createOperations, type OperationsDeps } from './server.ts'

async function start(deps: Partial<OperationsDeps> = {}) {
  const server = createOperations({
    host: '127.0.0.1',
    port: 0,
    requestTimeoutMs: 1_000,
    metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'a 1\n' },
    ready: async () => [],
    ...deps,
  })
  const { port } = await server.listen()
  onTestFinished(() => server.close())
  return { port, server, at: (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method }) }
}

it('answers /health, /ready and /metrics', async () => {
  const { at } = await start()
  const health = await at('/health?x')
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok' }])
  expect(await (await at('/ready')).json()).toEqual({ status: 'ready' })
  const metrics = await at('/metrics')
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4')
  expect(await metrics.text()).toBe('a 1\n')
  const head = await at('/health', 'HEAD')
  expect([head.status, await head.text()]).toEqual([200, ''])
})

it('names what is missing', async () => {
  const { at } = await start({ ready: async () => ['database', 'identity'] })
  const answer = await at('/ready')
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(await answer.json()).toMatchObject({
    status: 503,
    reason: 'UNAVAILABLE',
    detail: 'The server is not ready: database, identity',
  })
})

it.each([
  ['GET', '/', 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/.well-known/jwks.json', 404, 'ROUTE_NOT_FOUND'],
  ['GET', '/toString', 404, 'ROUTE_NOT_FOUND'],
  ['GET', '//ready', 404, 'ROUTE_NOT_FOUND'],
  ['POST', '/ready', 405, 'METHOD_NOT_ALLOWED'],
  ['DELETE', '/metrics', 405, 'METHOD_NOT_ALLOWED'],
])('%s %s is %i %s', async (method, path, status, reason) => {
  const { at } = await start()
  const answer = await at(path, method)
  expect(answer.status).toBe(status)
  expect(await answer.json()).toMatchObject({ status, reason, type: `urn:auth4agent:reason:${reason}` })
})

const fail = () => Promise.reject(new Error('secret'))

it('shows nothing of what goes wrong', async () => {
  const { at } = await start({ ready: fail, metrics: { contentType: 'text/plain', metrics: fail } })
  for (const path of ['/ready', '/metrics']) {
    const answer = await at(path)
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('secret')
  }
})

it('speaks TLS where the public ports do', async () => {
  const { port } = await start({ tls: certificate })
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  get({ port, host: '127.0.0.1', path: '/health', ca: certificate.cert }, (response) => {
    response.resume()
    resolve(response.statusCode)
  }).once('error', reject)
  expect(await promise).toBe(200)
})
