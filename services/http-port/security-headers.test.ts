import { describe, expect, it } from 'vitest'
import { startGateway } from '../../test/support/gateway.ts'

const paths = [
  '/v1/agent/d',
  '/nothing',
  '/v1/token',
  '/health',
  '/v1/agent/%zz',
  '/auth4agent.v1.X/Y',
  '/.well-known/jwks.json',
]

describe('the HTTP port, security headers', () => {
  it.each(paths)('sends the security headers with the answer to %s', async (path) => {
    const { url } = await startGateway()
    const { headers } = await fetch(url + path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers.get('strict-transport-security')).toBeNull()
    expect(headers.get('cache-control')).toBe(path.startsWith('/.well-known') ? 'public, max-age=0' : 'no-store')
  })

  it('sends Strict-Transport-Security when the issuer is https', async () => {
    const { url } = await startGateway({ baseUrl: 'https://auth.example' })
    expect((await fetch(`${url}/health`)).headers.get('strict-transport-security')).toBe('max-age=31536000')
  })
})

describe('the HTTP port, for scripts of other origins', () => {
  const origin = { origin: 'https://app.example' }

  it.each(['/v1/agent/d', '/.well-known/auth4agent', '/.well-known/jwks.json'])(
    'allows them to read %s',
    async (path) => {
      const { url } = await startGateway()
      expect((await fetch(url + path, { headers: origin })).headers.get('access-control-allow-origin')).toBe('*')
      const headers = { ...origin, 'access-control-request-method': 'GET' }
      const preflight = await fetch(url + path, { method: 'OPTIONS', headers })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
      expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD, OPTIONS')
    },
  )

  it.each([
    ['GET', '/v1/operators/o1', 200],
    ['GET', '/v1/operators/o1/agents', 200],
    ['GET', '/health', 200],
    ['GET', '/metrics', 200],
    ['OPTIONS', '/v1/token', 405],
    ['OPTIONS', '/nothing', 404],
  ])('does not allow them to read %s %s', async (method, path, status) => {
    const { url } = await startGateway()
    const answer = await fetch(url + path, { method, headers: origin })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})
