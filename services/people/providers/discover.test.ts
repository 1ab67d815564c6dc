import type { RequestListener } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { json, openOutbound, startOutside } from '../../../test/support/outside-server.ts'
import { metadataOf } from '../../../test/support/people.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { discoverProvider } from './discover.ts'

afterEach(() => vi.unstubAllGlobals())

async function discover(answer: (issuer: string) => RequestListener, path = '') {
  const server = await startOutside((request, response) =>
    answer(`http://${request.headers.host}${path}`)(request, response),
  )
  const issuer = `http://idp.test:${server.port}${path}`
  const work = discoverProvider(
    { ...openOutbound(), testDomains: true, log: silentLog },
    { operatorId: 'acme', issuer, clientId: 'a', authMethod: 'client_secret_basic', secret: 'secret' },
  )
  return { reason: await refusalOf(work), urls: server.requests.map(({ url }) => url) }
}

const status =
  (code: number): RequestListener =>
  (_request, response) => {
    response.writeHead(code, { 'content-type': 'application/json' }).end('{}')
  }

describe('discoverProvider', () => {
  it.each(['', '/tenant', '/tenant/'])('reads the metadata below an issuer with the path %j', async (path) => {
    const { reason, urls } = await discover((issuer) => json(metadataOf(issuer)), path)
    expect(reason).toBeUndefined()
    expect(urls).toEqual([`${path.replace(/\/$/, '')}/.well-known/openid-configuration`])
  })

  it('sends no request but through Outbound', async () => {
    vi.stubGlobal('fetch', () => {
      throw new Error('fetch was called')
    })
    expect(await discover((issuer) => json(metadataOf(issuer)))).toMatchObject({ reason: undefined })
  })

  it.each<[string, string, (issuer: string) => RequestListener]>([
    ['has no metadata', 'INVALID_ISSUER', () => status(404)],
    ['redirects', 'INVALID_ISSUER', () => status(302)],
    ['cannot answer now', 'PROVIDER_UNAVAILABLE', () => status(503)],
    ['answers with another type', 'INVALID_ISSUER', () => json({}, { 'content-type': 'text/html' })],
    ['closes the connection', 'PROVIDER_UNAVAILABLE', () => (request) => request.socket.destroy()],
    ['answers with a list', 'INVALID_ISSUER', () => json([])],
    [
      'answers with half an object',
      'INVALID_ISSUER',
      () => (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    ],
    ['names another issuer', 'INVALID_ISSUER', () => json(metadataOf('https://other.example'))],
    [
      'names the issuer with a slash',
      'INVALID_ISSUER',
      (issuer) => json({ ...metadataOf(issuer), issuer: `${issuer}/` }),
    ],
    [
      'has a token endpoint at an address',
      'INVALID_ISSUER',
      (issuer) => json({ ...metadataOf(issuer), token_endpoint: 'https://169.254.169.254/token' }),
    ],
  ])('refuses a provider that %s with %s', async (_, reason, answer) => {
    expect((await discover(answer)).reason).toBe(reason)
  })
})
