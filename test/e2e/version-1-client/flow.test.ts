import { createRemoteJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import {
  type AgentParty,
  type Asserter,
  newAgentParty,
  newKeys,
  operatorAsserter,
  thumbprintOf,
} from '../../support/parties.ts'
import type { Json, ProtocolClient, TokenBody } from '../../support/protocol-client.ts'
import { expectStatus, signedChallenge } from '../../support/story.ts'

const DOMAIN = 'agents.example.com'
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

let deployment: Deployment
let client: ProtocolClient
const rootKeys = newKeys()
let operatorId: string
let operator: Asserter
const agent: AgentParty = newAgentParty(DOMAIN)
let agentId: string
let redeemed: TokenBody
let answer: Json
let token: string

beforeAll(async () => {
  deployment = await startDeployment()
  client = deployment.client
})
afterAll(() => deployment?.stop())

const verdict = async (text: unknown) => expectStatus(200, await client.verify(text))

describe('the version 1 protocol, from a domain to a token', () => {
  it('1. answers /health and names its issuer', async () => {
    expect(await client.get('/health')).toMatchObject({
      status: 200,
      body: { status: 'ok', timestamp: expect.any(Number) },
    })
    expect(expectStatus(200, await client.get('/.well-known/auth4agent'))).toMatchObject({ issuer: ISSUER })
  })

  it('2. registers the operator, and gives the same answer to a second registration', async () => {
    const first = await client.registerOperator(DOMAIN, rootKeys)
    expect(first).toMatchObject({
      status: 201,
      body: { domain: DOMAIN, status: 'pending', id: expect.stringMatching(UUID) },
    })
    expect((await client.registerOperator(` ${DOMAIN.toUpperCase()}. `, rootKeys)).body).toEqual(first.body)
    operatorId = String(first.body.id)
    operator = operatorAsserter(rootKeys, operatorId, ISSUER)
    const { body } = await client.getOperator(operatorId)
    expect(body).toMatchObject({ id: operatorId, domain: DOMAIN, status: 'pending', domain_verified_at: null })
  })

  it('3. confirms a domain only if DNS shows its record, and otherwise says which record it looked for', async () => {
    const instructions = expectStatus(200, await client.instructions(operatorId))
    expect(instructions).toMatchObject({
      domain: DOMAIN,
      txt_record_name: `_auth4agents.${DOMAIN}`,
      txt_record_value: `v=a4a1; iss=${ISSUER}; op=${operatorId}; rk=${thumbprintOf(rootKeys)}`,
    })
    const missing = expectStatus(200, await client.confirm(operatorId))
    expect(missing).toMatchObject({ verified: false, verified_at: null, reason: 'TXT_RECORD_NOT_FOUND' })
    expect(missing.message).toContain(instructions.txt_record_value)
    expect(await client.registerAgent(operatorId, agent)).toMatchObject({
      status: 409,
      body: { reason: 'OPERATOR_NOT_ACTIVE', error: 'operator is not active' },
    })

    deployment.dns.setTxt(`_auth4agents.${DOMAIN}`, ['v=spf1 -all', String(instructions.txt_record_value)])
    const confirmed = expectStatus(200, await client.confirm(operatorId))
    expect(confirmed).toMatchObject({ verified: true, verified_at: expect.stringMatching(TIME) })
    expect(expectStatus(200, await client.confirm(operatorId)).verified_at).toBe(confirmed.verified_at)
    expect((await client.getOperator(operatorId)).body).toMatchObject({
      status: 'active',
      domain_verified_at: confirmed.verified_at,
    })
  })

  it('4. registers the agent as pending, without scopes or tokens', async () => {
    const registered = await client.registerAgent(operatorId, agent)
    expect(registered).toMatchObject({ status: 201, body: { did: agent.did, status: 'pending' } })
    agentId = String(registered.body.id)
    expect((await client.listAgents(operatorId, operator)).body).toEqual([])
    expect(await client.token(await signedChallenge(client, agent))).toMatchObject({
      status: 403,
      body: { reason: 'AGENT_NOT_ACTIVE', error: 'agent is not active' },
    })
  })

  it('5. approves the agent when its operator sets its scopes, and requires an assertion for that', async () => {
    const path = `/v1/operators/${operatorId}/agents/scopes`
    const body = JSON.stringify({ did: agent.did, allowed_scopes: ['write', 'read'] })
    expect(await client.send('PATCH', path, body)).toMatchObject({ status: 401, body: { reason: 'UNAUTHENTICATED' } })
    expect(await client.send('PATCH', path, body, operator.assert(`POST ${path}`))).toMatchObject({
      status: 401,
      body: { reason: 'INVALID_ASSERTION' },
    })
    const assertion = operator.assert(`PATCH ${path}`)
    expect(await client.send('PATCH', path, body, assertion)).toMatchObject({
      status: 200,
      body: { updated: true, did: agent.did, allowed_scopes: ['read', 'write'] },
    })
    expect(await client.send('PATCH', path, body, assertion)).toMatchObject({
      status: 401,
      body: { reason: 'ASSERTION_USED' },
    })
    expect((await client.getAgent(agent.did)).body).toMatchObject({
      status: 'active',
      allowed_scopes: ['read', 'write'],
    })
  })

  it('6. lists agents as a bare array, with the next page in a Link header', async () => {
    const others = [newAgentParty(DOMAIN), newAgentParty(DOMAIN)]
    for (const other of others) {
      expectStatus(201, await client.registerAgent(operatorId, other))
      expectStatus(200, await client.setScopes(operatorId, other.did, [], operator))
    }
    const dids: unknown[] = []
    let query = '?page_size=2'
    for (let page = 1; query !== ''; page += 1) {
      const { body, headers } = await client.listAgents(operatorId, operator, query)
      dids.push(...body.map(({ did }) => did))
      expect(body).toHaveLength(page === 1 ? 2 : 1)
      const next = /^<(.+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
      query = next === undefined ? '' : new URL(next).search
      if (next !== undefined) expect(next.startsWith(`${ISSUER}/v1/operators/${operatorId}/agents?`)).toBe(true)
    }
    expect(dids).toEqual([agent.did, ...others.map(({ did }) => did)])
    const [first] = (await client.listAgents(operatorId, operator)).body
    expect(first).toMatchObject({ id: agentId, status: 'active', revoked_at: null, suspended_at: null })
  })

  it('7. redeems a signed challenge for a token', async () => {
    redeemed = await signedChallenge(client, agent, {
      scope: 'read',
      audience: 'https://api.partner.example',
      ttl: '15m',
    })
    answer = expectStatus(200, await client.token(redeemed))
    token = String(answer.token)
    expect(answer).toEqual({
      token,
      access_token: token,
      token_type: 'Bearer',
      expires_at: expect.stringMatching(TIME),
      expires_in: 900,
      scope: 'read',
      jti: expect.any(String),
    })
    const { keys } = expectStatus(200, await client.get<{ keys: Json[] }>('/.well-known/jwks.json'))
    const [key, ...others] = keys
    expect(key).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: expect.any(String),
      x: expect.any(String),
    })
    expect(others.map(({ alg }) => alg)).toEqual(['Ed25519', 'ES256', 'RS256', 'EdDSA', 'Ed25519'])
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: key?.kid })
    const claims: JWTPayload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toEqual({
      iss: ISSUER,
      sub: agent.did,
      client_id: agent.did,
      aud: ['https://api.partner.example'],
      scope: 'read',
      operator_id: operatorId,
      iat: expect.any(Number),
      nbf: claims.iat,
      exp: Number(claims.iat) + 900,
      jti: answer.jti,
      epoch: [expect.any(Number), expect.any(Number)],
    })
    expect(Date.parse(String(answer.expires_at)) / 1000).toBe(claims.exp)
  })

  it('8. verifies a token online, and offline with jose and the JWKS', async () => {
    expect(await verdict(token)).toMatchObject({
      valid: true,
      revoked: false,
      verified_at: expect.stringMatching(TIME),
      claims: { sub: agent.did, aud: ['https://api.partner.example'], iat: expect.any(Number) },
    })
    const keys = createRemoteJWKSet(new URL(`${deployment.server.baseUrl}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(token, keys, {
      issuer: ISSUER,
      audience: 'https://api.partner.example',
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
    })
    expect(payload.sub).toBe(agent.did)
  })
})

describe('POST /v1/token', () => {
  it.each([
    ['a challenge that was redeemed', () => redeemed, 409, 'CHALLENGE_USED', 'challenge already used'],
    ['a challenge of another server', foreignChallenge, 404, 'CHALLENGE_NOT_FOUND', 'challenge not found'],
    ['a signature by another key', otherSignature, 401, 'INVALID_SIGNATURE', 'invalid signature'],
    [
      'a scope beyond the grant',
      () => challengeFor({ scope: 'read admin' }),
      403,
      'SCOPE_NOT_ALLOWED',
      'scope not allowed',
    ],
    ['a lifetime beyond the bounds', () => challengeFor({ ttl: '2h' }), 400, 'INVALID_TTL', expect.any(String)],
  ])('refuses %s', async (_name, body, status, reason, error) => {
    const refusal = await client.token(await body())
    expect(refusal).toMatchObject({ status, body: { status, reason, error } })
    expect(refusal.headers.get('content-type')).toBe('application/problem+json')
  })

  it('does not redeem the challenge when it refuses the request', async () => {
    const body = await challengeFor({ scope: 'admin' })
    expectStatus(403, await client.token(body))
    expectStatus(200, await client.token({ ...body, scope: 'read' }))
  })
})

const challengeFor = (wishes: Partial<TokenBody>) => signedChallenge(client, agent, wishes)

async function foreignChallenge(): Promise<TokenBody> {
  const body = await challengeFor({})
  const challenge = Buffer.from(body.challenge, 'base64url')
  challenge.writeUInt8(challenge.readUInt8(challenge.length - 1) ^ 1, challenge.length - 1)
  return { ...body, challenge: challenge.toString('base64url') }
}

async function otherSignature(): Promise<TokenBody> {
  const body = await challengeFor({})
  const signature = newAgentParty(DOMAIN).sign(body.challenge, body.nonce).toString('base64')
  return { ...body, signature }
}
