import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { OAuthService } from '../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { reasons } from '../../services/platform/errors/reasons.ts'
import { demandDpop } from './cases/audiences.ts'
import { clientAssertionCases } from './cases/client-assertions.ts'
import { reasonsOf } from './cases/matrix.ts'
import { oauthCases } from './cases/oauth.ts'
import { EVERYWHERE, PROOF_KEYS, proofFor } from './cases/proofs.ts'
import { authenticated } from './cases/valid-requests.ts'
import { sendHttp } from './support/http.ts'
import { publishedOAuthErrors } from './support/published-reasons.ts'
import type { Answered, RefusalCase, Transport } from './support/refusal.ts'
import { restRequest } from './support/rest-request.ts'
import { runCases, useWorld } from './support/run-cases.ts'
import type { AgentName } from './support/seed.ts'
import { claimsOf, sendGood } from './support/send-good.ts'
import type { Snapshot } from './support/snapshot.ts'

const world = useWorld()
const { token, introspect, revoke } = OAuthService.method

runCases(world, [...clientAssertionCases, ...oauthCases])

/** Makes a call as an agent, and expects that it is answered. */
async function call(
  transport: Transport,
  method: DescMethod,
  fields: JsonObject,
  { agent = 'active', ...how }: { agent?: AgentName } & Pick<RefusalCase, 'proof'> = {},
): Promise<Answered> {
  const request = { ...authenticated(world().agents[agent]), ...fields }
  return (await sendGood(world(), transport, { method, request, ...how })).expectAnswered()
}

const GRANT = { grant_type: 'client_credentials' }

/** Returns the names of the tables that work has changed. */
async function changedBy(work: () => Promise<unknown>): Promise<string[]> {
  const before: Snapshot = await world().snapshot('')
  await work()
  const { tables } = await world().snapshot('')
  return Object.keys(tables).filter((name) => tables[name] !== before.tables[name])
}

describe.each(EVERYWHERE)('the OAuth calls over %s', (transport) => {
  it('issue a token, introspect it and revoke it', async () => {
    const { issuer, agents, operators } = world()
    const did = agents.active.did
    const issued = await call(transport, token, { ...GRANT, scope: 'read' })
    expect(issued).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 900, scope: 'read' })
    const { iat, exp, jti } = claimsOf(issued['access_token'])
    const text = String(issued['access_token'])
    const told = await call(transport, introspect, { token: text })
    const { exp: expires, iat: from, nbf, ...rest } = told
    expect([from, nbf, expires].map(Number)).toEqual([iat, iat, exp])
    expect(rest).toEqual({
      active: true,
      scope: 'read',
      client_id: did,
      token_type: 'Bearer',
      sub: did,
      aud: [issuer],
      iss: issuer,
      jti,
      operator_id: operators.acme.id,
    })
    expect(await call(transport, revoke, { token: text })).toEqual({})
    expect(await inactive(transport, text)).toBe(true)
  })

  it('tell the key of a bound token, and revoke it without a proof', async () => {
    const key = PROOF_KEYS.Ed25519
    const issued = await call(transport, token, GRANT, { proof: (_, target) => proofFor(target, {}, key) })
    expect(issued).toMatchObject({ token_type: 'DPoP' })
    const text = String(issued['access_token'])
    const cnf = { jkt: key.kid }
    expect(await call(transport, introspect, { token: text })).toMatchObject({ active: true, token_type: 'DPoP', cnf })
    await call(transport, revoke, { token: text })
    expect(await inactive(transport, text)).toBe(true)
  })

  it('leave out the scope of a token that has none', async () => {
    const issued = await call(transport, token, GRANT)
    expect(issued['scope'] ?? '').toBe('')
    const told = await call(transport, introspect, { token: String(issued['access_token']) })
    expect(told).toMatchObject({ active: true })
    expect(told).not.toHaveProperty('scope')
  })

  it('take scope and resource from the assertion of an agent that must bind them', async () => {
    const resource = 'https://api.acme-operator.com/'
    const claims = { scope: 'write', resource }
    const issued = await call(transport, token, { ...GRANT, ...authenticated(world().agents.careful, { claims }) })
    expect(issued).toMatchObject({ scope: 'write' })
    expect(claimsOf(issued['access_token'])).toMatchObject({ scope: 'write', aud: [resource] })
  })

  it('tell a stranger nothing, and change nothing but its used assertion', async () => {
    const text = world().token()
    for (const agent of ['ofBravo', 'ofBound'] as const) {
      expect(await changedBy(async () => expect(await inactive(transport, text, agent)).toBe(true))).toEqual([
        'redemptions',
      ])
      expect(await changedBy(() => call(transport, revoke, { token: text }, { agent }))).toEqual(['redemptions'])
    }
    // Another agent of the same operator may know the token, but may not revoke it.
    expect(await changedBy(() => call(transport, revoke, { token: text }, { agent: 'careful' }))).toEqual([
      'redemptions',
    ])
    expect(await call(transport, introspect, { token: text }, { agent: 'careful' })).toMatchObject({ active: true })
  })

  it('tell the owner of an audience about a token for it, and let only the token’s agent revoke it', async () => {
    const text = world().token({ aud: ['https://rogue.com/', 'https://api.bravo-operator.com/v1'] })
    expect(await call(transport, introspect, { token: text }, { agent: 'ofBravo' })).toMatchObject({
      active: true,
      client_id: world().agents.active.did,
    })
    await call(transport, revoke, { token: text }, { agent: 'ofBravo' })
    expect(await call(transport, introspect, { token: text })).toMatchObject({ active: true })
    expect(await inactive(transport, text, 'ofBound')).toBe(true)
  })

  it.each<[string, () => string]>([
    ['a text that is not a token', () => 'x'],
    ['a token of another server', () => world().token({ iss: 'https://rogue.com' })],
    [
      'a token with a changed signature',
      () =>
        world()
          .token()
          .replace(/[^.]{4}$/, 'AAAA'),
    ],
    ['an expired token', () => world().token({ iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_900 })],
    ['a token of 20 KB', () => `${world().token()}${'A'.repeat(20_000)}`],
  ])('answer that %s is not active, and revoke it without effect', async (_, textOf) => {
    const text = textOf()
    expect(await inactive(transport, text)).toBe(true)
    expect(await changedBy(() => call(transport, revoke, { token: text }))).toEqual(['redemptions'])
  })
})

/** Introspects a token, and tells whether the answer is exactly that it is not active. */
async function inactive(transport: Transport, text: string, agent: AgentName = 'active'): Promise<boolean> {
  const answer = await call(transport, introspect, { token: text }, { agent })
  // The JSON of protobuf leaves out a member that is false.
  expect(answer).toEqual(transport === 'rest' ? { active: false } : {})
  return true
}

/** Posts a request as a form. */
const post = (method: DescMethod, fields: JsonObject, headers = {}) => {
  const request = restRequest(method, { ...authenticated(world().agents.active), ...fields })
  return sendHttp(world().server.baseUrl, { ...request, headers: { ...request.headers, ...headers } })
}

describe('an OAuth endpoint over HTTP', () => {
  it('ignores unknown parameters, hints and empty parameters', async () => {
    const extra = { x: ['1', '2'], client_secret: '', client_id: '', resource: '', scope: '', audience: 'x' }
    const answer = await post(token, { ...GRANT, ...extra })
    expect(JSON.parse(answer.text)).toMatchObject({ token_type: 'Bearer' })
    const hinted = await post(introspect, { token: world().token(), token_type_hint: 'refresh_token', signed: 'true' })
    expect(JSON.parse(hinted.text)).toMatchObject({ active: true })
  })

  it('accepts the client_id that its assertion names', async () => {
    expect((await post(token, { ...GRANT, client_id: world().agents.active.did })).status).toBe(200)
  })

  it.each([
    ['POST /oauth/token', () => post(token, GRANT)],
    ['POST /oauth/introspect', () => post(introspect, { token: world().token() })],
    ['POST /oauth/introspect', () => post(introspect, { token: 'x' })],
  ])('answers JSON that no cache may keep: %s', async (_, send) => {
    expect(await send()).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' },
    })
  })

  it('answers a signed introspection when the client accepts only that', async () => {
    const accept = { accept: 'application/token-introspection+jwt' }
    const { issuer, agents } = world()
    for (const [text, active] of [
      [world().token(), true],
      ['x', false],
    ] as const) {
      const answer = await post(introspect, { token: text }, accept)
      expect(answer).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/token-introspection+jwt', 'cache-control': 'no-store' },
      })
      const told = { iss: issuer, aud: agents.active.did, token_introspection: { active } }
      expect(claimsOf(answer.text)).toMatchObject(told)
    }
  })

  it('refuses in JSON when the client accepts only a signed introspection', async () => {
    const accept = { accept: 'application/token-introspection+jwt' }
    const answer = await post(introspect, { token: 'x', client_assertion: 'x' }, accept)
    expect(answer).toMatchObject({ status: 401, headers: { 'content-type': 'application/json' } })
    expect(JSON.parse(answer.text)).toMatchObject({ error: 'invalid_client', reason: 'INVALID_ASSERTION' })
  })

  it('ignores the header DPoP of a call that issues no token', async () => {
    expect((await post(introspect, { token: 'x' }, { dpop: 'x' })).status).toBe(200)
    expect((await post(revoke, { token: 'x' }, { dpop: 'x' })).status).toBe(200)
  })

  it('keeps the assertion of a refused request usable', async () => {
    await demandDpop(world())
    const authentication = authenticated(world().agents.active)
    const refusals = [
      { ...GRANT, scope: 'admin' },
      { ...GRANT, resource: 'https://required.acme-operator.com/' },
      { ...GRANT, resource: 'https://bravo-operator.com/' },
    ]
    for (const fields of refusals) expect((await post(token, { ...fields, ...authentication })).status).toBe(400)
    expect((await post(token, { ...GRANT, ...authentication })).status).toBe(200)
  })
})

it('the errors of the OAuth endpoints are the published ones', () => {
  const possible = new Set([token, introspect, revoke].flatMap((method) => Array.from(reasonsOf(method))))
  const federation = ['ENTITY_NOT_FOUND', 'TRUST_ANCHOR_NOT_FOUND']
  // Two deployments, of which one follows the other, are needed: test/e2e/federation/chained-tokens.test.ts.
  const chaining = ['TRUST_NOT_FOUND']
  // It needs a database with a standby: test/e2e/durability.
  const durability = ['NOT_DURABLE']
  // Its route takes JSON: services/people/clients.
  const registration = ['INVALID_CLIENT_METADATA', 'INVALID_REDIRECT_URI']
  // A user must answer first: services/authn/for-users/redeem-device-code.test.ts.
  const devices = ['AUTHORIZATION_PENDING', 'SLOW_DOWN', 'CODE_EXPIRED', 'CODE_REFUSED', 'TOO_MANY_DEVICES']
  const others = [...federation, ...chaining, ...durability, ...registration, ...devices]
  const outside = ['ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED', ...others]
  expect(Object.keys(publishedOAuthErrors).toSorted()).toEqual([...possible, ...outside].toSorted())
  const now = Object.keys(publishedOAuthErrors).map((reason) => [reason, reasons[reason as keyof typeof reasons].oauth])
  expect(Object.fromEntries(now)).toEqual(publishedOAuthErrors)
})
