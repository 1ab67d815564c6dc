import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { sendHttp } from '../../contract/support/http.ts'
import { assertionOf } from '../../contract/support/refusal.ts'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AgentName } from '../../contract/support/seed.ts'
import { testTokenKey } from '../../support/token-keys.ts'
import {
  authentication,
  clientAssertion,
  decodeJwt,
  dpopProof,
  encodeForm,
  expectError,
  expectIssued,
  type Form,
  nowS,
  post,
  tokenForm,
  withBody,
} from './support/client.ts'
import { setAudiences } from './support/policy.ts'

const world = useWorld()
const PATH = '/oauth/introspect'
const JWT = 'application/token-introspection+jwt'
const BRAVO_API = 'https://api.bravo-operator.com'
const CHAIN = 'urn:auth4agent:token-type:grant-chain'
const INACTIVE = '{"active":false}'
const key = testTokenKey('EdDSA')

beforeAll(() => setAudiences(world(), 'bravo', [{ audience: BRAVO_API, callers: ['acme-operator.com'] }]))

/** Introspects a token as an agent. */
const introspect = (token: string, by: AgentName = 'active', edits: Form = {}, headers: Record<string, string> = {}) =>
  post(world().server.baseUrl, PATH, { token, ...authentication(world().agents[by]), ...edits }, headers)

async function issue(edits: Form = {}, dpop?: string): Promise<string> {
  const form = tokenForm(world().agents.active, edits)
  return expectIssued(await post(world().server.baseUrl, '/oauth/token', form, dpop === undefined ? {} : { dpop }))
    .access_token
}

function changeSignature(token: string): string {
  return token.replace(/.{10}$/, (end) => (end === 'A'.repeat(10) ? 'B'.repeat(10) : 'A'.repeat(10)))
}

describe('POST /oauth/introspect', () => {
  it('describes an active token to an agent of its operator, and no cache may store the answer', async () => {
    const token = await issue()
    const { claims } = decodeJwt(token)
    const { epoch: _, ...members } = claims
    const answer = await introspect(token, 'careful')
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ active: true, token_type: 'Bearer', ...members })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  it('describes a bound token with its key and the token_type DPoP, without a proof', async () => {
    const answer = await introspect(await issue({}, dpopProof(key)))
    expect(answer.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.kid } })
  })

  it('describes a token to an agent whose operator owns its audience', async () => {
    const token = await issue({ resource: BRAVO_API })
    expect((await introspect(token, 'ofBravo')).body).toMatchObject({ active: true, aud: [BRAVO_API] })
  })

  it.each(['access_token', 'refresh_token', 'unknown', CHAIN, ''])(
    'finds the token whatever the hint: %s',
    async (hint) => {
      expect((await introspect(await issue(), 'active', { token_type_hint: hint })).body).toMatchObject({
        active: true,
      })
    },
  )

  it.each<[string, () => string | Promise<string>]>([
    ['of another operator and for another audience', () => world().token()],
    ['that has expired', () => world().token({ exp: nowS() - 60, iat: nowS() - 120, nbf: nowS() - 120 })],
    ['that is not a token', () => 'x'],
    ['that is not a token of this server', () => world().token({ iss: 'https://other.example' })],
  ])('tells a stranger nothing about a text %s', async (_, token) => {
    expect((await introspect(await token(), 'ofBravo')).text).toBe(INACTIVE)
  })

  it.each<[string, () => string | Promise<string>]>([
    ['that has expired', () => world().token({ exp: nowS() - 60, iat: nowS() - 120, nbf: nowS() - 120 })],
    ['that is not valid yet', () => world().token({ nbf: nowS() + 120 })],
    ['with a changed signature', async () => changeSignature(await issue())],
    ['of an older epoch', () => world().token({ epoch: [0, 1] })],
    ['with another typ', () => world().token({}, { typ: 'JWT' })],
    ['that is a client assertion', () => clientAssertion(world().agents.active)],
  ])('answers {"active":false} and nothing more about a token %s', async (_, token) => {
    const answer = await introspect(await token())
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: INACTIVE })
  })

  it('answers {"active":false} as soon as the revocation of a token has returned', async () => {
    const token = await issue()
    const form = { token, ...authentication(world().agents.active) }
    expect((await introspect(token)).body).toMatchObject({ active: true })
    expect((await post(world().server.baseUrl, '/oauth/revoke', form)).status).toBe(200)
    expect((await introspect(token)).text).toBe(INACTIVE)
  })

  it('answers {"active":false} as soon as the suspension of the agent has returned', async () => {
    const { did, operatorId } = world().agents.ofBravo
    const aud = ['https://api.acme-operator.com']
    const token = world().token({ sub: did, client_id: did, operator_id: operatorId, aud })
    expect((await introspect(token)).body).toMatchObject({ active: true, sub: did, aud })
    const act = (verb: string) => {
      const path = `/v1/operators/${operatorId}/agents/${did}/${verb}`
      const authorization = assertionOf(world().operators.bravo, `POST ${path}`)
      return post(world().server.baseUrl, path, '{}', { 'content-type': 'application/json', authorization })
    }
    expect((await act('suspend')).status).toBe(200)
    expect((await introspect(token)).text).toBe(INACTIVE)
    expect((await act('reactivate')).status).toBe(200)
    expect((await introspect(token)).text).toBe(INACTIVE)
  })
})

describe('POST /oauth/introspect refuses', () => {
  it('a request without authentication, with status 401', async () => {
    const edits = { client_assertion: undefined, client_assertion_type: undefined }
    expectError(await introspect(await issue(), 'active', edits), 'invalid_client', undefined, 401)
  })

  it('a request whose assertion is not valid, with status 401', async () => {
    const client_assertion = clientAssertion(world().agents.active, { claims: { aud: 'https://other.example' } })
    expectError(await introspect(await issue(), 'active', { client_assertion }), 'invalid_client', undefined, 401)
  })

  it('the introspected token as the authentication of the caller', async () => {
    const token = await issue()
    const edits = { client_assertion: undefined, client_assertion_type: undefined }
    const answer = await introspect(token, 'active', edits, { authorization: `Bearer ${token}` })
    expectError(answer, 'invalid_client', undefined, 401)
  })

  it.each(['suspended', 'pending', 'revoked', 'ofSuspended'] as const)(
    'an agent that is not active: %s',
    async (name) => {
      expectError(await introspect(await issue(), name), 'unauthorized_client')
    },
  )

  it('a request without a token', async () => {
    expectError(await introspect(''), 'invalid_request')
  })

  it('two tokens', async () => {
    expectError(await introspect('', 'active', { token: [await issue(), await issue()] }), 'invalid_request')
  })

  it('the method GET, and a body as JSON', async () => {
    const form = { token: 'x', ...authentication(world().agents.active) }
    const path = `${PATH}?${encodeForm(form)}`
    const answer = withBody(await sendHttp(world().server.baseUrl, { verb: 'GET', path }))
    expectError(answer, 'invalid_request', 'METHOD_NOT_ALLOWED', 405)
    const json = { 'content-type': 'application/json' }
    expectError(await post(world().server.baseUrl, PATH, JSON.stringify(form), json), 'invalid_request', undefined, 415)
  })
})

describe('a signed introspection', () => {
  const signed = (token: string, by: AgentName = 'active') => introspect(token, by, {}, { accept: JWT })

  it('is a JWT of the issuer for the caller, and describes the token in token_introspection', async () => {
    const token = await issue()
    const answer = await signed(token, 'careful')
    expect({ status: answer.status, type: answer.headers['content-type'] }).toEqual({ status: 200, type: JWT })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' })
    const keys = await sendHttp(world().server.baseUrl, { verb: 'GET', path: '/.well-known/jwks.json' })
    const { payload, protectedHeader } = await jwtVerify(
      answer.text,
      createLocalJWKSet(JSON.parse(keys.text) as JSONWebKeySet),
      { issuer: world().issuer, audience: world().agents.careful.did, typ: 'token-introspection+jwt' },
    )
    expect(protectedHeader.typ).toBe('token-introspection+jwt')
    expect(payload).toEqual({
      iss: world().issuer,
      aud: world().agents.careful.did,
      iat: expect.any(Number),
      token_introspection: (await introspect(token, 'careful')).body,
    })
  })

  it('has no sub and no exp, and the server refuses it as an access token', async () => {
    const { text } = await signed(await issue())
    const { claims } = decodeJwt(text)
    expect([claims['sub'], claims['exp']]).toEqual([undefined, undefined])
    const json = { 'content-type': 'application/json' }
    const verdict = await post(world().server.baseUrl, '/v1/verify', JSON.stringify({ token: text }), json)
    expect(JSON.parse(verdict.text)).toMatchObject({ valid: false })
    expect((await introspect(text)).text).toBe(INACTIVE)
  })

  it.each<[string, AgentName, () => string]>([
    ['of another operator', 'ofBravo', () => world().token()],
    ['that has expired', 'active', () => world().token({ exp: nowS() - 60, iat: nowS() - 120, nbf: nowS() - 120 })],
    ['that is not a token', 'active', () => 'x'],
  ])('says only that a token is not active: %s', async (_, by, token) => {
    const { claims } = decodeJwt((await signed(token(), by)).text)
    expect(claims['token_introspection']).toEqual({ active: false })
  })

  it('is not made for a caller that does not authenticate', async () => {
    const answer = await post(world().server.baseUrl, PATH, { token: await issue() }, { accept: JWT })
    expectError(answer, 'invalid_client', undefined, 401)
  })

  it.each([
    ['application/json', 'application/json'],
    [`${JWT};q=0, application/json`, 'application/json'],
    ['*/*', 'application/json'],
    [`${JWT}, application/json;q=0.5`, JWT],
  ])('depends on the header Accept: %s', async (accept, type) => {
    expect((await introspect(await issue(), 'active', {}, { accept })).headers['content-type']).toBe(type)
  })
})
