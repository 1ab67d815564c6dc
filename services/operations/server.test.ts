import { get } from 'node:https'
import { expect, it, onTestFinished } from 'vitest'
import { certificate } from '../../test/support/certificate.ts'
import { fakeRpc } from '../../test/support/fake-rpc.ts'
import { HTTP_PORT_CONFIG, silentLog } from '../../test/support/gateway.ts'
import type { HttpPortConfig } from '../http-port/config.ts'
import type { OperationDeps } from './routes.ts'
import { createOperations } from './server.ts'

async function start(deps: Partial<OperationDeps> = {}, config: Partial<HttpPortConfig> = {}) {
  const rpc = fakeRpc()
  const server = createOperations({
    rpc,
    log: silentLog,
    connectionClosed: () => undefined,
    config: { ...HTTP_PORT_CONFIG, ...config },
    metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'a 1\n' },
    ready: () => [],
    ...deps,
  })
  const { port } = await server.listen()
  onTestFinished(() => server.close())
  return { port, rpc, at: (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method }) }
}

it('the operations port answers /health, /ready and /metrics', async () => {
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

it('the operations port answers 503 to /ready with the reasons when the process is not ready', async () => {
  const { at } = await start({ ready: () => ['database', 'identity'] })
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
])('the operations port refuses %s %s with %i %s through the pipeline', async (method, path, status, reason) => {
  const { at, rpc } = await start()
  const answer = await at(path, method)
  expect(answer.status).toBe(status)
  expect(await answer.json()).toMatchObject({ status, reason, type: `urn:auth4agent:reason:${reason}` })
  expect(rpc.refused).toStrictEqual([{ reason, rpc: 'none', source: '127.0.0.1' }])
})

it('the operations port hides the text of an internal error', async () => {
  const { at } = await start({
    metrics: { contentType: 'text/plain', metrics: () => Promise.reject(new Error('secret')) },
  })
  const answer = await at('/metrics')
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('secret')
})

it('the operations port serves https when a certificate is configured', async () => {
  const { port } = await start({}, { tls: certificate })
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  get({ port, host: '127.0.0.1', path: '/health', ca: certificate.cert }, (response) => {
    response.resume()
    resolve(response.statusCode)
  }).once('error', reject)
  expect(await promise).toBe(200)
})
