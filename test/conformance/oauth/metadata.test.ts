import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendHttp } from '../../contract/support/http.ts'
import { testDatabase } from '../../support/database.ts'
import { startAll } from '../../support/modes.ts'
import type { RunningServer } from '../../support/server.ts'

const ISSUER = 'https://auth.example/tenants/a4a'
const started = new AsyncDisposableStack()
/** A server whose issuer has a path. */
let server: RunningServer

beforeAll(async () => {
  const { url, drop } = await testDatabase()
  started.defer(drop)
  const kek = Buffer.alloc(32, 7).toString('base64')
  server = await startAll({ DATABASE_URL: url, AUTH4AGENT_KEK: kek, AUTH4AGENT_BASE_URL: ISSUER })
  started.defer(() => void server.stop())
})
afterAll(() => started.disposeAsync())

async function read(path: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await sendHttp(server.baseUrl, { verb: 'GET', path, headers })
  return { ...answer, document: answer.status === 200 ? (JSON.parse(answer.text) as Metadata) : undefined }
}

type Metadata = Readonly<Record<string, unknown>>
const PATH = '/.well-known/oauth-authorization-server/tenants/a4a'
const metadata = async () => (await read(PATH)).document ?? {}

/** What may be read with GET. The others take POST. */
const READABLE = new Set(['jwks_uri', 'status_list_aggregation_endpoint'])
/** A page, which needs an authorization request. */
const PAGE = 'authorization_endpoint'

describe('the metadata of the authorization server', () => {
  it('is a JSON object with status 200', async () => {
    const { status, headers, document } = await read(PATH)
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json' })
    expect(document).toBeTypeOf('object')
  })

  it.each([
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration/tenants/a4a',
    '/tenants/a4a/.well-known/openid-configuration',
    '/tenants/a4a/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/tenants/a4a?v=1',
  ])('is served with the path of the issuer inserted, and as the same text at %s', async (path) => {
    expect((await read(path)).text).toBe((await read(PATH)).text)
  })

  it.each(['host', 'x-forwarded-host', 'forwarded'])('does not take the issuer from the header %s', async (name) => {
    const { document } = await read(PATH, { [name]: name === 'forwarded' ? 'host=evil.example' : 'evil.example' })
    expect(document?.['issuer']).toBe(ISSUER)
    expect(JSON.stringify(document)).not.toContain('evil')
  })

  it.each(['POST', 'PUT', 'DELETE'])('is not served for the method %s', async (verb) => {
    expect((await sendHttp(server.baseUrl, { verb, path: PATH })).status).toBe(405)
  })

  it('names only what the server has', async () => {
    expect(await metadata()).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth/token`,
      device_authorization_endpoint: `${ISSUER}/oauth/device_authorization`,
      introspection_endpoint: `${ISSUER}/oauth/introspect`,
      revocation_endpoint: `${ISSUER}/oauth/revoke`,
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
      grant_types_supported: [
        'client_credentials',
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      identity_chaining_requested_token_types_supported: [
        'urn:ietf:params:oauth:token-type:id-jag',
        'urn:ietf:params:oauth:token-type:jwt',
      ],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      authorization_details_types_supported: ['attenuating_agent_token'],
      aat_issuer: true,
      aat_draft: 'draft-niyikiza-oauth-attenuating-agent-tokens-02',
      authorization_endpoint: `${ISSUER}/oauth/authorize`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
      introspection_endpoint_auth_methods_supported: ['private_key_jwt'],
      introspection_signing_alg_values_supported: ['EdDSA'],
      revocation_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
      dpop_signing_alg_values_supported: ['EdDSA', 'Ed25519', 'ES256'],
      status_list_aggregation_endpoint: `${ISSUER}/v1/status-lists`,
    })
  })

  it.each(['registration_endpoint', 'userinfo_endpoint', 'scopes_supported'])('does not name %s', async (name) => {
    expect(await metadata()).not.toHaveProperty(name)
  })

  it('has no empty list and no empty value', async () => {
    const empty = Object.entries(await metadata()).filter(
      ([, value]) => value === null || value === '' || (Array.isArray(value) && value.length === 0),
    )
    expect(empty.map(([name]) => name)).toEqual([])
  })

  it.each([
    ['token', ['EdDSA', 'Ed25519', 'ES256', 'RS256']],
    ['introspection', ['EdDSA', 'Ed25519']],
    ['revocation', ['EdDSA', 'Ed25519', 'ES256', 'RS256']],
  ])('names the algorithms of assertions at the %s endpoint', async (name, expected) => {
    const algorithms = (await metadata())[`${name}_endpoint_auth_signing_alg_values_supported`]
    expect(algorithms).toEqual(expected)
  })

  it('names no endpoint that answers 404', async () => {
    const urls = Object.entries(await metadata()).filter(([name]) => /_endpoint$|_uri$/.test(name))
    expect(urls.length).toBeGreaterThan(3)
    for (const [name, url] of urls) {
      const answer = await sendHttp(server.baseUrl, { verb: 'GET', path: new URL(String(url)).pathname })
      expect(answer.status, name).toBe(READABLE.has(name) ? 200 : name === PAGE ? 400 : 405)
    }
  })

  it('has URLs that begin with the issuer and have no query and no fragment', async () => {
    const { aat_draft: _draft, ...members } = await metadata()
    const urls = Object.values(members).filter((value) => typeof value === 'string')
    expect(urls.filter((url) => !url.startsWith(ISSUER) || /[?#]/.test(url))).toEqual([])
  })
})
