import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendHttp } from '../../contract/support/http.ts'
import { testDatabase } from '../../support/database.ts'
import { ISSUER } from '../../support/deployment.ts'
import { type RunningServer, startServer } from '../../support/server.ts'

const TENANT = 'https://auth.example/tenants/a4a'
const started = new AsyncDisposableStack()
/** A server whose issuer has no path, and one whose issuer has a path. */
let root: RunningServer
let tenant: RunningServer

beforeAll(async () => {
  ;[root, tenant] = await Promise.all([startWithIssuer(ISSUER), startWithIssuer(TENANT)])
})
afterAll(() => started.disposeAsync())

async function startWithIssuer(issuer: string): Promise<RunningServer> {
  const { url, drop } = await testDatabase()
  started.defer(drop)
  const kek = Buffer.alloc(32, 7).toString('base64')
  const server = await startServer({ DATABASE_URL: url, AUTH4AGENT_KEK: kek, AUTH4AGENT_BASE_URL: issuer })
  started.defer(() => void server.stop())
  return server
}

async function read({ baseUrl }: RunningServer, path: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await sendHttp(baseUrl, { verb: 'GET', path, headers })
  return { ...answer, document: answer.status === 200 ? (JSON.parse(answer.text) as Metadata) : undefined }
}

type Metadata = Readonly<Record<string, unknown>>
const PATH = '/.well-known/oauth-authorization-server'
const metadata = async () => (await read(root, PATH)).document ?? {}

describe('the metadata of the authorization server', () => {
  it('is a JSON object with status 200', async () => {
    const { status, headers, document } = await read(root, PATH)
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json' })
    expect(document).toBeTypeOf('object')
  })

  it.each([
    `${PATH}/tenants/a4a`,
    '/.well-known/openid-configuration/tenants/a4a',
    '/tenants/a4a/.well-known/openid-configuration',
    `/tenants/a4a${PATH}`,
  ])('is served for an issuer with a path at %s', async (path) => {
    expect((await read(tenant, path)).document).toMatchObject({
      issuer: TENANT,
      token_endpoint: `${TENANT}/oauth/token`,
    })
  })

  it('is the same document at each of its paths', async () => {
    const paths = [PATH, '/.well-known/openid-configuration', `${PATH}?v=1`]
    const [first, ...others] = await Promise.all(paths.map(async (path) => (await read(root, path)).text))
    expect(others).toEqual([first, first])
  })

  it.each(['host', 'x-forwarded-host', 'forwarded'])('does not take the issuer from the header %s', async (name) => {
    const { document } = await read(root, PATH, { [name]: name === 'forwarded' ? 'host=evil.example' : 'evil.example' })
    expect(document?.['issuer']).toBe(ISSUER)
    expect(JSON.stringify(document)).not.toContain('evil')
  })

  it.each(['POST', 'PUT', 'DELETE'])('is not served for the method %s', async (verb) => {
    expect((await sendHttp(root.baseUrl, { verb, path: PATH })).status).toBe(405)
  })

  it('names only what the server has', async () => {
    expect(await metadata()).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth/token`,
      introspection_endpoint: `${ISSUER}/oauth/introspect`,
      revocation_endpoint: `${ISSUER}/oauth/revoke`,
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      introspection_endpoint_auth_methods_supported: ['private_key_jwt'],
      revocation_endpoint_auth_methods_supported: ['private_key_jwt'],
      dpop_signing_alg_values_supported: ['EdDSA', 'Ed25519', 'ES256'],
    })
  })

  it.each([
    'authorization_endpoint',
    'registration_endpoint',
    'userinfo_endpoint',
    'code_challenge_methods_supported',
    'scopes_supported',
  ])('does not name %s', async (name) => {
    expect(await metadata()).not.toHaveProperty(name)
  })

  it('has an empty list of response types', async () => {
    expect((await metadata())['response_types_supported']).toEqual([])
  })

  it('has no empty list but the response types, and no empty value', async () => {
    const empty = Object.entries(await metadata()).filter(
      ([, value]) => value === null || value === '' || (Array.isArray(value) && value.length === 0),
    )
    expect(empty.map(([name]) => name)).toEqual(['response_types_supported'])
  })

  it.each(['token', 'introspection', 'revocation'])(
    'names the algorithms of assertions at the %s endpoint',
    async (name) => {
      const algorithms = (await metadata())[`${name}_endpoint_auth_signing_alg_values_supported`]
      expect(algorithms).toEqual(['EdDSA', 'Ed25519'])
    },
  )

  it('names no endpoint that answers 404', async () => {
    const urls = Object.entries(await metadata()).filter(([name]) => /_endpoint$|_uri$/.test(name))
    expect(urls.length).toBeGreaterThan(3)
    for (const [name, url] of urls) {
      const answer = await sendHttp(root.baseUrl, { verb: 'GET', path: new URL(String(url)).pathname })
      expect(answer.status, name).toBe(name === 'jwks_uri' ? 200 : 405)
    }
  })

  it('has URLs that begin with the issuer and have no query and no fragment', async () => {
    const urls = Object.values(await metadata()).filter((value) => typeof value === 'string')
    expect(urls.filter((url) => !url.startsWith(ISSUER) || /[?#]/.test(url))).toEqual([])
  })
})
