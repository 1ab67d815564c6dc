import { describe, expect, it } from 'vitest'
import { clientReason } from '../../../../test/support/sdk/client-reason.ts'
import { createAgent } from '../create-agent.ts'
import { generateKey } from '../keys/signers.ts'

const ISSUER = 'https://auth.acme.test'
const DID = 'did:agent:acme.test:21fe31dfa154a261626bf854046fd227'
const API = 'https://api.acme.test'
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: object) => `${part({ alg: 'ES256' })}.${part(claims)}.${'s'.repeat(86)}`
const ID_JAG = jwt({ sub: 'U1', resource: API, scope: 'write read' })

/** Creates an agent of a server that answers with a token, and the list of the forms that it gets. */
async function world(edits: (claims: Record<string, unknown>) => object = (claims) => claims, type = 'DPoP') {
  const forms: URLSearchParams[] = []
  const used: Headers[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const { pathname, origin } = new URL(request.url)
    if (origin === API) {
      used.push(request.headers)
      return new Response('ok')
    }
    if (pathname !== '/oauth/token') return Response.json({ issuer: ISSUER, server_time: new Date().toISOString() })
    const form = new URLSearchParams(await request.text())
    forms.push(form)
    const [header = ''] = (request.headers.get('dpop') ?? '').split('.')
    const { jwk } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const nowS = Math.floor(Date.now() / 1000)
    const claims = {
      iss: ISSUER,
      sub: 'user:alice',
      aud: form.getAll('resource'),
      scope: form.get('scope'),
      client_id: DID,
      act: { sub: DID },
      cnf: { jkt: await thumbprintOf(jwk) },
      iat: nowS,
      exp: nowS + 300,
      jti: 'token-1',
    }
    return Response.json({ access_token: jwt(edits(claims)), token_type: type, expires_in: 300 })
  }
  const agent = createAgent({ server: ISSUER, did: DID, key: await generateKey(), fetch })
  return { agent, forms, used }
}

async function thumbprintOf({ crv, x }: { readonly crv: string; readonly x: string }): Promise<string> {
  const text = JSON.stringify({ crv, kty: 'OKP', x })
  return Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))).toString('base64url')
}

describe('actForUser', () => {
  it('asks for all that the ID-JAG allows, and resolves with the user and a fetch for the token', async () => {
    const { agent, forms, used } = await world()
    const alice = await agent.actForUser(ID_JAG)
    expect(alice).toMatchObject({ user: 'user:alice', tokenType: 'DPoP', scope: 'read write', audience: [API] })
    const { client_assertion: assertion, ...form } = Object.fromEntries(forms[0] ?? [])
    expect(form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: ID_JAG,
      resource: API,
      scope: 'read write',
      client_id: DID,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    const covered = JSON.parse(Buffer.from(String(assertion).split('.')[1] ?? '', 'base64url').toString())
    expect(covered).toMatchObject({ scope: 'read write', resource: [API], subject_token: expect.any(String) })
    await alice.fetch(`${API}/customers`)
    expect(used[0]?.get('authorization')).toBe(`DPoP ${alice.token}`)
    expect(await alice.authorization('GET', `${API}/customers`)).toMatchObject({ authorization: `DPoP ${alice.token}` })
    expect(await clientReason(alice.authorization('GET', 'http://api.acme.test/'))).toBe('INSECURE_ADDRESS')
  })

  it('asks for less if the call names less', async () => {
    const { agent, forms } = await world()
    expect(await agent.actForUser(ID_JAG, { scopes: ['read'], audience: API })).toMatchObject({ scope: 'read' })
    expect(forms[0]?.get('scope')).toBe('read')
  })

  it.each<[name: string, edits: (claims: Record<string, unknown>) => object, type?: string]>([
    ['for an agent', (claims) => ({ ...claims, sub: DID })],
    ['for another actor', (claims) => ({ ...claims, act: { sub: 'x' } })],
    ['without an actor', (claims) => ({ ...claims, act: undefined })],
    ['of another client', (claims) => ({ ...claims, client_id: 'x' })],
    ['for another audience', (claims) => ({ ...claims, aud: ['https://other.test'] })],
    ['with another scope', (claims) => ({ ...claims, scope: 'admin' })],
    ['that is not bound', (claims) => ({ ...claims, cnf: undefined })],
    ['of another issuer', (claims) => ({ ...claims, iss: API })],
    ['of another type', (claims) => claims, 'Bearer'],
  ])('rejects with UNEXPECTED_ANSWER for a token %s', async (_, edits, type) => {
    const { agent } = await world(edits, type)
    expect(await clientReason(agent.actForUser(ID_JAG))).toBe('UNEXPECTED_ANSWER')
  })

  it.each([
    ['a text that is no JWT', 'x'],
    ['a JWT without a scope', jwt({ resource: API })],
    ['a JWT without a resource', jwt({ scope: 'read' })],
  ])('rejects with TypeError for %s, and sends nothing', async (_, text) => {
    const { agent, forms } = await world()
    await expect(agent.actForUser(text)).rejects.toThrow(TypeError)
    expect(forms).toEqual([])
  })

  it('rejects after the agent was closed', async () => {
    const { agent } = await world()
    agent.close()
    expect(await clientReason(agent.actForUser(ID_JAG))).toBe('CLOSED')
  })
})
