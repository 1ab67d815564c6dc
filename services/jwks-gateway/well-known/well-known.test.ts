import { describe, expect, it } from 'vitest'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const key = { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: 'k', x: 'AA' }

describe('GET /.well-known/auth4agent', () => {
  it('answers with the issuer, with endpoints that exist, and with the bounds of lifetimes', async () => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/.well-known/auth4agent`)
    const document = (await answer.json()) as { endpoints: Record<string, string> }
    expect(document).toMatchObject({
      issuer: 'http://localhost:8080',
      protocol_version: '1',
      did_method: 'did:agent',
      token_ttl_seconds: { default: 900, min: 30, max: 3600 },
      token_signing_alg_values_supported: ['EdDSA', 'Ed25519', 'ES256', 'RS256'],
    })
    expect(document.endpoints['revocations']).toBe('http://localhost:8080/v1/revocations')
    for (const endpoint of Object.values(document.endpoints)) {
      const path = endpoint.replace('http://localhost:8080', '')
      const known = await fetch(url + path, { method: 'DELETE' })
      expect([path, known.status]).toStrictEqual([path, 405])
    }
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    expect(answer.headers.get('content-type')).toBe('application/json')
  })

  it('never takes the issuer from a request header', async () => {
    const { url } = await startGateway({ trustedProxies: ['127.0.0.1'] })
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    expect(await (await fetch(`${url}/.well-known/auth4agent`, { headers })).text()).not.toContain('evil')
  })

  it("is served with the issuer's path before or after it, and REST is served below the issuer's path", async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://auth.example/a4a' })
    for (const name of ['auth4agent', 'jwks.json']) {
      expect((await fetch(`${url}/.well-known/${name}/a4a`)).status).toBe(200)
      expect((await fetch(`${url}/a4a/.well-known/${name}`)).status).toBe(200)
    }
    expect((await fetch(`${url}/a4a/health`)).status).toBe(200)
    expect((await fetch(`${url}/a4a/v1/challenge`, { method: 'POST' })).status).toBe(200)
    expect(rpc.last().meta.rpc).toBe('POST /a4a/v1/challenge')
    expect((await fetch(`${url}/a4a/v1/challenge`)).status).toBe(405)
  })

  it("makes the start fail if the issuer's path has a character that is not allowed", async () => {
    await expect(startGateway({ baseUrl: 'https://auth.example/a:b' })).rejects.toThrow('may have only letters')
  })
})

describe.each(['oauth-authorization-server', 'openid-configuration'])('GET /.well-known/%s', (name) => {
  it('names the registration endpoint only where clients may register themselves', async () => {
    const [open, closed] = await Promise.all([startGateway({ openRegistration: true }), startGateway()])
    const read = async ({ url }: typeof open) => (await fetch(`${url}/.well-known/${name}`)).json()
    expect(await read(open)).toMatchObject({ registration_endpoint: 'http://localhost:8080/oauth/register' })
    expect(await read(closed)).not.toHaveProperty('registration_endpoint')
  })

  it('names the authorization endpoint, and what clients of users look for before they use it', async () => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/.well-known/${name}`)
    expect(answer.headers.has('vary')).toBe(false)
    expect(await answer.json()).toMatchObject({
      authorization_endpoint: 'http://localhost:8080/oauth/authorize',
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
    })
  })
})

describe('GET /.well-known/ssf-configuration', () => {
  it("is served with the issuer's path after it, and names endpoints that exist", async () => {
    const { url } = await startGateway({ baseUrl: 'https://auth.example/a4a' })
    const answer = await fetch(`${url}/.well-known/ssf-configuration/a4a`)
    expect([answer.status, answer.headers.get('content-type')]).toStrictEqual([200, 'application/json'])
    const metadata = Object(await answer.json())
    const { issuer, jwks_uri: keys, spec_version: version, authorization_schemes: schemes, ...others } = metadata
    expect([issuer, version, schemes]).toStrictEqual([
      'https://auth.example/a4a',
      '1_0',
      [{ spec_urn: 'urn:ietf:rfc:6749' }],
    ])
    expect(others['default_subjects']).toBe('ALL')
    expect(others['delivery_methods_supported']).toStrictEqual(['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'])
    const endpoints = Object.entries(others).filter(([name]) => name.endsWith('_endpoint'))
    expect(endpoints).toHaveLength(5)
    for (const endpoint of [keys, ...endpoints.map(([, each]) => each)]) {
      const known = await fetch(String(endpoint).replace('https://auth.example', url), { method: 'HEAD' })
      expect([endpoint, known.status]).not.toStrictEqual([endpoint, 404])
    }
  })
})

describe('GET /.well-known/jwks.json', () => {
  it('answers with the keys, and with the max-age that KeysService returns', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(KeysService.method.getJsonWebKeySet, () => ({ keys: [key], maxAgeSeconds: 60 }))
    const answer = await fetch(`${url}/.well-known/jwks.json`)
    expect(await answer.json()).toStrictEqual({ keys: [key] })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=60')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('answers 304 to a client that already has the current JWKS, and 200 after a change', async () => {
    const { url, rpc } = await startGateway()
    let keys = [key]
    rpc.answer(KeysService.method.getJsonWebKeySet, () => ({ keys, maxAgeSeconds: 60 }))
    const tag = (await fetch(`${url}/.well-known/jwks.json`)).headers.get('etag') ?? ''
    const again = () => fetch(`${url}/.well-known/jwks.json`, { headers: { 'if-none-match': `"x", W/${tag}` } })
    const kept = await again()
    expect([kept.status, await kept.text(), kept.headers.get('etag')]).toStrictEqual([304, '', tag])
    keys = []
    expect((await again()).status).toBe(200)
  })

  it('answers errors with Cache-Control: no-store', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(KeysService.method.getJsonWebKeySet, () => {
      throw new ApiError('UNAVAILABLE', undefined, { retryAfter: 1 })
    })
    const answer = await fetch(`${url}/.well-known/jwks.json`)
    expect([answer.status, answer.headers.get('cache-control')]).toStrictEqual([503, 'no-store'])
  })
})

describe('probes', () => {
  it('/health answers ok and the time in Unix seconds', async () => {
    const { url } = await startGateway()
    const health = (await (await fetch(`${url}/health`)).json()) as { timestamp: number }
    expect(health).toStrictEqual({ status: 'ok', timestamp: expect.any(Number) })
    expect(Math.abs(health.timestamp - Date.now() / 1000)).toBeLessThan(60)
  })

  it('/ready answers 503 and names the missing parts until the server is ready', async () => {
    let missing = ['database']
    const { url } = await startGateway({}, { ready: () => missing })
    const waiting = await fetch(`${url}/ready`)
    expect(waiting.status).toBe(503)
    expect(await waiting.json()).toMatchObject({ reason: 'UNAVAILABLE', detail: 'The server is not ready: database' })
    missing = []
    expect((await fetch(`${url}/ready`)).status).toBe(200)
  })

  it('/metrics answers with the metrics registry', async () => {
    const metrics = { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' }
    const { url } = await startGateway({}, { metrics })
    const answer = await fetch(`${url}/metrics`)
    expect([await answer.text(), answer.headers.get('content-type')]).toStrictEqual(['up 1\n', metrics.contentType])
  })
})
