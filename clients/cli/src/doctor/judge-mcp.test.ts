import { describe, expect, it } from 'vitest'
import { judgeAuthorizationServer, judgeChallenge, judgeResource, judgeUsers } from './judge-mcp.ts'

const URL = 'https://mcp.acme.example/mcp'
const ISSUER = 'https://auth.example.com'
const CHALLENGE = 'Bearer resource_metadata="https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"'
const RESOURCE = { resource: URL, authorization_servers: [ISSUER] }
const SERVER = {
  authorization_endpoint: `${ISSUER}/oauth/authorize`,
  client_id_metadata_document_supported: true,
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  response_types_supported: ['code'],
}
const scopes = [{ name: 'search', words: 'Search' }]
const OWNER = { domain: 'acme.example', providers: 1 }

describe('judgeChallenge', () => {
  it.each([
    ['ok', 401, CHALLENGE, 'where the metadata are'],
    ['problem', 200, null, 'answers 200 without a token'],
    ['problem', 404, CHALLENGE, 'answers 404'],
    ['problem', 401, null, 'no resource_metadata'],
    ['problem', 401, 'Bearer realm="x"', 'no resource_metadata'],
  ])('finds %s for %s with %s', (level, status, challenge, message) => {
    expect(judgeChallenge(URL, { status, challenge })).toMatchObject({
      level,
      message: expect.stringContaining(message),
    })
  })
})

describe('judgeResource', () => {
  it.each([
    ['ok', RESOURCE, 'name https://mcp'],
    ['problem', undefined, 'no metadata'],
    ['problem', { ...RESOURCE, resource: `${URL}/` }, 'but programs use'],
    ['problem', { resource: URL }, 'authorization_servers'],
    ['problem', { ...RESOURCE, authorization_servers: [`${ISSUER}/`] }, 'authorization_servers'],
  ])('finds %s for %j', (level, metadata, message) => {
    const found = judgeResource(URL, ISSUER, 'https://x.example', metadata)
    expect(found).toMatchObject({ level, message: expect.stringContaining(message) })
  })
})

describe('judgeAuthorizationServer', () => {
  it('accepts metadata with everything', () => {
    expect(judgeAuthorizationServer(SERVER).level).toBe('ok')
  })

  it.each(Object.keys(SERVER))('names %s if it is missing', (name) => {
    const found = judgeAuthorizationServer({ ...SERVER, [name]: undefined })
    expect(found).toMatchObject({ level: 'problem', message: expect.stringContaining(name) })
  })

  it('names everything if there are no metadata', () => {
    expect(judgeAuthorizationServer(undefined).message).toMatch(/authorization_endpoint.*S256 in .*none in .*code in /)
  })
})

describe('judgeUsers', () => {
  const rule = (users: object, audience = URL) => ({
    audiences: [{ audience, callers: [], users: { domains: ['acme.example'], scopes, clients: 'any', ...users } }],
  })
  const judge = (policy: Parameters<typeof judgeUsers>[1], owner = OWNER) =>
    judgeUsers(URL, policy, owner).flatMap(({ level, message }) => (level === 'ok' ? [] : [`${level}: ${message}`]))

  it('finds nothing wrong where own users may come, and a provider is named', () => {
    expect(judge(rule({}))).toEqual([])
  })

  it.each<[string, ReturnType<typeof rule>, string]>([
    ['no rule', { audiences: [] }, 'problem: No user may come'],
    ['no domains', rule({ domains: [] }), 'problem: No user may come'],
    ['a rule with a slash more', rule({}, `${URL}/`), `There is a rule for ${URL}/`],
    ['no scopes', rule({ scopes: [] }), 'problem: The rule has no scope'],
    ['listed clients', rule({ clients: 'listed' }), 'warning: Only clients that you have allowed'],
    ['users of others', rule({ domains: ['acme.example', 'bolt.example'] }), 'warning: Users of bolt.example'],
  ])('finds %s', (_name, policy, message) => {
    expect(judge(policy)).toEqual([expect.stringContaining(message)])
  })

  it('finds that the own domain has no identity provider, but only if its users may come', () => {
    const without = { ...OWNER, providers: 0 }
    expect(judge(rule({}), without)).toEqual(['problem: acme.example has no identity provider'])
    expect(judge(rule({ domains: ['bolt.example'] }), without)).toEqual([
      expect.stringMatching(/^warning: Users of bolt/),
    ])
  })
})
