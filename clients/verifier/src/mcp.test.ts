import { expect, it } from 'vitest'
import { grantIssuer, newHolder, SHOP, TOOLS } from '../../../test/clients/verifier/chains.ts'
import { ISSUER } from '../../../test/support/assertions.ts'
import { fakeIssuer, newToken } from '../../../test/support/offline-verifier.ts'
import { type McpOptions, protect } from './mcp.ts'

/** Returns the answer to a request, and whether the request was accepted. */
async function answerOf(guard: ReturnType<typeof protect>, url: string, authorization?: string) {
  const answer = { status: 0, headers: new Headers(), body: '', hasPassed: false }
  const request = { method: 'GET', url, headers: { authorization }, rawHeaders: [] }
  const response = {
    writeHead(status: number, headers: Record<string, string>) {
      Object.assign(answer, { status, headers: new Headers(headers) })
      return { end: (body: string) => Object.assign(answer, { body }) }
    },
  }
  await guard(request, response, () => Object.assign(answer, { hasPassed: true }))
  return answer
}

it.each([
  ['https://api.example.com', 'https://api.example.com/.well-known/oauth-protected-resource'],
  ['https://api.example.com/', 'https://api.example.com/.well-known/oauth-protected-resource'],
  ['https://api.example.com:8443/mcp', 'https://api.example.com:8443/.well-known/oauth-protected-resource/mcp'],
  ['https://api.example.com/a/mcp/', 'https://api.example.com/.well-known/oauth-protected-resource/a/mcp/'],
  ['https://api.example.com/mcp?for=a', 'https://api.example.com/.well-known/oauth-protected-resource/mcp?for=a'],
])(
  'protect for the resource %s names the metadata address %s, and serves the metadata there',
  async (resource, metadata) => {
    const guard = protect(fakeIssuer().newVerifier(), { resource })
    const refused = await answerOf(guard, '/mcp')
    expect([refused.status, refused.hasPassed]).toEqual([401, false])
    expect(refused.headers.get('www-authenticate')).toMatch(`Bearer resource_metadata="${metadata}", DPoP `)
    const { pathname, search } = new URL(metadata)
    const told = await answerOf(guard, pathname + search)
    expect([told.status, told.hasPassed]).toEqual([200, false])
    expect(JSON.parse(told.body)).toMatchObject({ resource, authorization_servers: [ISSUER] })
  },
)

it('protect refuses a request without a token at paths that only look like the path of the metadata', async () => {
  const issuer = fakeIssuer()
  const resource = 'https://api.example.com/mcp'
  const guard = protect(issuer.newVerifier(), { resource })
  const path = '/.well-known/oauth-protected-resource'
  for (const url of [
    `${path}/`,
    `${path}/other`,
    `/mcp${path}`,
    `//x${path}`,
    `${path}/mcp/..`,
    '/mcp?a=/.well-known',
  ]) {
    expect(await answerOf(guard, url)).toMatchObject({ status: 401, hasPassed: false })
  }
  const token = newToken(issuer.key, { aud: [resource] })
  expect(await answerOf(guard, '/mcp', `Bearer ${token}`)).toMatchObject({ hasPassed: true })
  // A token for another audience of the verifier is not for the MCP server.
  expect(await answerOf(guard, '/mcp', `Bearer ${newToken(issuer.key)}`)).toMatchObject({ status: 401 })
})

it.each<[string, McpOptions]>([
  ['a relative address', { resource: 'mcp' }],
  ['a fragment', { resource: 'https://api.example.com/mcp#x' }],
  ['malformed scopes', { resource: 'https://api.example.com/mcp', scopesSupported: 'a  b' }],
])('protect throws TypeError for options with %s', (_name, options) => {
  expect(() => protect(fakeIssuer().newVerifier(), options)).toThrow(TypeError)
})

it('protect tells tools who acts for whom, and names only scopes without constraints', async () => {
  const { issuer, rootFor } = grantIssuer()
  const resource = 'https://b.example/pay'
  const holder = newHolder()
  const tools = { [`${resource}#read`]: {}, [`${resource}#pay`]: TOOLS[`${SHOP}#pay`], [`${SHOP}#write`]: {} }
  const chain = await rootFor(holder, { tools })
  const guard = protect(issuer.newVerifier(), { resource, scope: 'read', delegation: 'accept' })
  const dpop = await holder.prove(chain)
  const headers = { authorization: `DPoP ${chain}`, dpop }
  const body = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const request = { method: 'POST', url: '/pay', headers, rawHeaders: [], body }
  const auth = await new Promise((resolve, reject) => {
    const response = { writeHead: (code: number) => ({ end: (body: string) => reject(new Error(`${code} ${body}`)) }) }
    void guard(request, response, () => resolve(Object(request).auth))
  })
  expect(auth).toEqual({
    token: chain,
    clientId: holder.did,
    scopes: ['read'],
    expiresAt: expect.any(Number),
    resource: new URL(resource),
    extra: { delegation: expect.objectContaining({ principal: holder.did, actor: holder.did }) },
  })
})

it('protect refuses an unknown option and names the nearest known one', () => {
  const unknown: object = { resourcename: 'Orders' }
  const create = () => protect(fakeIssuer().newVerifier(), { resource: 'https://api.example.com/mcp', ...unknown })
  expect(create).toThrow('Unknown option "resourcename": the nearest known one is "resourceName"')
})
