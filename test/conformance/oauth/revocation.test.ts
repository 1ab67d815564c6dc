import { describe, expect, it } from 'vitest'
import { sendHttp } from '../../contract/support/http.ts'
import { useWorld } from '../../contract/support/run-cases.ts'
import type { AgentName } from '../../contract/support/seed.ts'
import { testTokenKey } from '../../support/token-keys.ts'
import {
  authentication,
  clientAssertion,
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

const world = useWorld()
const PATH = '/oauth/revoke'
const JSON_TYPE = { 'content-type': 'application/json' }

const revoke = (token: string, by: AgentName = 'active', edits: Form = {}, headers: Record<string, string> = {}) =>
  post(world().server.baseUrl, PATH, { token, ...authentication(world().agents[by]), ...edits }, headers)

async function issue(dpop?: string): Promise<string> {
  const form = tokenForm(world().agents.active)
  return expectIssued(await post(world().server.baseUrl, '/oauth/token', form, dpop === undefined ? {} : { dpop }))
    .access_token
}

/** Returns `active` or `inactive`, from the introspection of a token by its own client. */
async function stateOf(token: string): Promise<string> {
  const form = { token, ...authentication(world().agents.active) }
  return (await post(world().server.baseUrl, '/oauth/introspect', form)).body['active'] === true ? 'active' : 'inactive'
}

/** Returns how many revocations the audit has. */
async function revocations(): Promise<unknown> {
  const { rows } = await world().db.pool.query("SELECT count(*) FROM audit_logs WHERE action LIKE 'token.%'")
  return rows
}

describe('POST /oauth/revoke', () => {
  it('answers 200 to a client of users, which has no assertion, also for a text that is no token of it', async () => {
    for (const token of ['x', await issue()]) {
      const form = { token, client_id: 'https://client.example/oauth/client.json' }
      expect(await post(world().server.baseUrl, PATH, form)).toMatchObject({ status: 200, body: {} })
      if (token !== 'x') expect(await stateOf(token)).toBe('active')
    }
  })

  it('ends a token of the client before it answers 200', async () => {
    const token = await issue()
    expect(await stateOf(token)).toBe('active')
    expect((await revoke(token)).status).toBe(200)
    expect(await stateOf(token)).toBe('inactive')
    const answer = await post(world().server.baseUrl, '/v1/verify', JSON.stringify({ token }), JSON_TYPE)
    expect(JSON.parse(answer.text)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  })

  it('ends a bound token without a proof', async () => {
    const token = await issue(dpopProof(testTokenKey('EdDSA')))
    expect((await revoke(token)).status).toBe(200)
    expect(await stateOf(token)).toBe('inactive')
  })

  it('ends only this token', async () => {
    const [token, another] = [await issue(), await issue()]
    await revoke(token)
    expect(await stateOf(another)).toBe('active')
  })

  it('answers 200 again for a token that is revoked', async () => {
    const token = await issue()
    expect((await revoke(token)).status).toBe(200)
    expect((await revoke(token)).status).toBe(200)
  })

  it.each(['access_token', 'refresh_token', 'unknown', ''])('finds the token whatever the hint: %s', async (hint) => {
    const token = await issue()
    expect((await revoke(token, 'active', { token_type_hint: hint })).status).toBe(200)
    expect(await stateOf(token)).toBe('inactive')
  })

  it.each<[string, AgentName]>([
    ['of another operator', 'ofBravo'],
    ['of the same operator', 'careful'],
  ])('answers 200 to another client %s, and does not end the token', async (_, by) => {
    const token = await issue()
    const answer = await revoke(token, by)
    expect(answer.status).toBe(200)
    expect(await stateOf(token)).toBe('active')
    expect(answer.text).toBe((await revoke('x', by)).text)
  })

  it.each<[string, () => string]>([
    ['a text that is not a token', () => 'x'],
    // A verifier's clock may be behind, so a token that expired less than 5 minutes ago is still revoked.
    [
      'a token that expired 6 minutes ago',
      () => world().token({ exp: nowS() - 360, iat: nowS() - 420, nbf: nowS() - 420 }),
    ],
    ['a token of another server', () => world().token({ iss: 'https://other.example' })],
    [
      'a token with a forged signature',
      () =>
        `${world()
          .token()
          .replace(/[^.]+$/, '')}${'A'.repeat(86)}`,
    ],
  ])('answers 200 for %s, without effect', async (_, token) => {
    const before = await revocations()
    expect((await revoke(token())).status).toBe(200)
    expect(await revocations()).toEqual(before)
  })
})

describe('POST /oauth/revoke refuses', () => {
  const NO_ASSERTION = { client_assertion: undefined, client_assertion_type: undefined }

  it('a request without authentication', async () => {
    const token = await issue()
    expectError(await revoke(token, 'active', NO_ASSERTION), 'invalid_client')
    expect(await stateOf(token)).toBe('active')
  })

  it('a request whose assertion is not valid', async () => {
    const token = await issue()
    const client_assertion = clientAssertion({ ...world().agents.active, pair: world().agents.ofBravo.pair })
    expectError(await revoke(token, 'active', { client_assertion }), 'invalid_client')
    expect(await stateOf(token)).toBe('active')
  })

  it('the header Authorization, with status 401', async () => {
    const token = await issue()
    const answer = await revoke(token, 'active', NO_ASSERTION, { authorization: `Bearer ${token}` })
    expectError(answer, 'invalid_client', undefined, 401)
    expect(await stateOf(token)).toBe('active')
  })

  it('a request without a token', async () => {
    expectError(await revoke(''), 'invalid_request')
  })

  it('two tokens', async () => {
    expectError(await revoke('', 'active', { token: [await issue(), await issue()] }), 'invalid_request')
  })

  it('the method GET, and a body as JSON', async () => {
    const form = { token: await issue(), ...authentication(world().agents.active) }
    const path = `${PATH}?${encodeForm(form)}`
    const answer = withBody(await sendHttp(world().server.baseUrl, { verb: 'GET', path }))
    expectError(answer, 'invalid_request', 'METHOD_NOT_ALLOWED', 405)
    expectError(
      await post(world().server.baseUrl, PATH, JSON.stringify(form), JSON_TYPE),
      'invalid_request',
      undefined,
      415,
    )
    expect(await stateOf(form.token)).toBe('active')
  })
})
