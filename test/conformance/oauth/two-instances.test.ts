import { randomUUID, sign } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, type OperatorParty, provenOperator } from '../../support/story.ts'
import { testTokenKey } from '../../support/token-keys.ts'
import {
  authentication,
  clientAssertion,
  dpopProof,
  expectError,
  expectIssued,
  type Form,
  type OAuthAgent,
  post,
  TOKEN_ENDPOINT,
  tokenForm,
} from './support/client.ts'

const key = testTokenKey('EdDSA')
let deployment: Deployment
let operator: OperatorParty
let agent: OAuthAgent
/** The addresses of two instances, and of a third with another setting for assertions. */
let one: string
let two: string
let lenient: string

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2 })
  const { client, dns, servers } = deployment
  operator = await provenOperator(client, dns, 'agents.example.com')
  agent = oauthAgent(await activeAgent(client, operator))
  ;[one, two] = servers.map(({ baseUrl }) => baseUrl) as [string, string]
  lenient = (await deployment.add({ AUTH4AGENT_ASSERTION_AUDIENCE: 'issuer-or-endpoint' })).server.baseUrl
})
afterAll(() => deployment?.stop())

function oauthAgent({ did, privateKey }: AgentParty): OAuthAgent {
  return { did, pair: { privateKey: { sign: (message) => sign(null, message, privateKey) } } }
}

const send = (baseUrl: string, form: Form, dpop?: string) =>
  post(baseUrl, '/oauth/token', form, dpop === undefined ? {} : { dpop })

const sendNaming = (aud: unknown, jti = randomUUID()) =>
  send(lenient, tokenForm(agent, { client_assertion: clientAssertion(agent, { claims: { aud, jti } }) }))

describe('at another instance', () => {
  it.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke'])('a used assertion is refused: %s', async (path) => {
    const form = tokenForm(agent, { token: 'x' })
    expectIssued(await send(one, form))
    expectError(
      await post(two, path, form),
      'invalid_client',
      'ASSERTION_USED',
      path.endsWith('introspect') ? 401 : 400,
    )
  })

  it('an assertion that both instances get at once gives one token', async () => {
    const form = tokenForm(agent)
    const answers = await Promise.all([one, two, one, two].map((baseUrl) => send(baseUrl, form)))
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1)
  })

  it('a replayed DPoP proof is refused', async () => {
    const proof = dpopProof(key)
    expectIssued(await send(one, tokenForm(agent), proof))
    expectError(await send(two, tokenForm(agent), proof), 'invalid_dpop_proof', 'DPOP_PROOF_USED')
  })

  it('a token is not active as soon as its revocation has returned', async () => {
    const { access_token: token } = expectIssued(await send(one, tokenForm(agent)))
    const introspect = () => post(two, '/oauth/introspect', { token, ...authentication(agent) })
    expect((await introspect()).body).toMatchObject({ active: true })
    expect((await post(one, '/oauth/revoke', { token, ...authentication(agent) })).status).toBe(200)
    expect((await introspect()).text).toBe('{"active":false}')
  })
})

it('a token is signed with RS256 if the operator of its audience chooses RS256', async () => {
  const resource = 'https://api.agents.example.com/rsa'
  const path = `/v1/operators/${operator.id}/policy`
  const audiences = [{ audience: resource, token_signing_alg: 'RS256' }]
  expectStatus(200, await deployment.client.signed('PUT', path, { audiences }, operator))
  const { access_token: token } = expectIssued(await send(two, tokenForm(agent, { resource })))
  const keys = createRemoteJWKSet(new URL(`${one}/.well-known/jwks.json`))
  await jwtVerify(token, keys, { audience: resource, algorithms: ['RS256'], typ: 'at+jwt' })
})

describe('an instance with AUTH4AGENT_ASSERTION_AUDIENCE=issuer-or-endpoint', () => {
  it.each<[string, unknown]>([
    ['the issuer', ISSUER],
    ['the token endpoint', TOKEN_ENDPOINT],
    ['a list of the token endpoint alone', [TOKEN_ENDPOINT]],
  ])('accepts an assertion whose aud is %s', async (_, aud) => {
    expectIssued(await sendNaming(aud))
  })

  it.each<[string, unknown]>([
    ['the issuer and the token endpoint', [ISSUER, TOKEN_ENDPOINT]],
    ['another endpoint', `${ISSUER}/oauth/revoke`],
    ['the token endpoint of another server', 'https://other.example/oauth/token'],
  ])('refuses an assertion whose aud is %s', async (_, aud) => {
    expectError(await sendNaming(aud), 'invalid_client', 'INVALID_ASSERTION')
  })

  it('still accepts each assertion once', async () => {
    const jti = randomUUID()
    expectIssued(await sendNaming(TOKEN_ENDPOINT, jti))
    expectError(await sendNaming(ISSUER, jti), 'invalid_client', 'ASSERTION_USED')
  })
})
