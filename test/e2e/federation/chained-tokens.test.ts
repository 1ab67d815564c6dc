import { sign } from 'node:crypto'
import { signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdmittedIssuer, admit, switchIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state, takeBack } from '../../support/federation/statements.ts'
import { type AgentParty, clientAssertion } from '../../support/parties.ts'
import type { Json } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'

const AUDIENCE = 'https://api.cargo.example.com/v1'
const API = `${AUDIENCE}/orders`

let federation: Federation
let alpha: FederatedDeployment
let beta: FederatedDeployment
let acme: Member
let cargo: Member
let agent: AgentParty
let admission: AdmittedIssuer
let grant: string
let chained: string
let letsCall: string

beforeAll(async () => {
  federation = await createFederation()
  alpha = await federation.start('auth.alpha.example.net')
  beta = await federation.start('auth.beta.example.net', { instances: 2 })
  acme = await member(alpha, 'acme.example.com')
  cargo = await member(beta, 'cargo.example.com')
  agent = await activeAgent(alpha.client, acme)
})
afterAll(() => federation?.stop())

/** Sends a form to the token endpoint of a server. */
async function post(baseUrl: string, form: Record<string, string>, dpop?: string) {
  const body = new URLSearchParams(form)
  const headers = dpop === undefined ? {} : { dpop }
  const response = await fetch(`${baseUrl}/oauth/token`, { method: 'POST', headers, body })
  const answer: Json = JSON.parse(await response.text())
  return { status: response.status, headers: response.headers, body: answer }
}

function proof(url: string, edits: { method: string; accessToken?: string }) {
  const { rawPublicKey: publicKey, privateKey } = agent
  const signer = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  return signDpopProof(signer, { url, nowS: Date.now() / 1_000, ...edits })
}

const newToken = async () => String((await issueToken(alpha.client, agent))['token'])

/** Asks A for a grant for B. */
async function askAtHome(token?: string) {
  return post(alpha.server.baseUrl, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token ?? (await newToken()),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
    audience: beta.issuer,
    resource: AUDIENCE,
    scope: 'read',
    ...clientAssertion(agent, alpha.issuer),
  })
}

const newGrant = async (token?: string) => String(expectStatus(200, await askAtHome(token))['access_token'])

/** Redeems a grant at an instance of B. */
async function redeem(assertion: string, instance = 0) {
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, client_id: agent.did }
  const url = beta.servers[instance]?.baseUrl ?? ''
  return post(url, form, await proof(`${beta.issuer}/oauth/token`, { method: 'POST' }))
}

/** What each instance of B answers about a token: `valid`, or the verdict. */
async function verdicts(token: string): Promise<readonly string[]> {
  const asked = beta.clients.map(async (client) => {
    const dpop_proof = await proof(API, { method: 'GET', accessToken: token })
    const wanted = { audience: [AUDIENCE], scope: 'orders:read', dpop_proof, http_method: 'GET', http_url: API }
    const { valid, reason } = expectStatus(200, await client.post('/v1/verify', { token, ...wanted }))
    return valid === true ? 'valid' : String(reason)
  })
  return Promise.all(asked)
}

it('1. A gives no grant for B before the operator of the agent says that its agents may go there', async () => {
  expect(await askAtHome()).toMatchObject({
    status: 400,
    body: { error: 'invalid_target', reason: 'AUDIENCE_NOT_ALLOWED' },
  })
  const there = { id: '', domain: '', home: beta }
  await state(acme, there, {
    kind: 'chains-to',
    aud: [alpha.issuer],
    grants: [{ audience: '', scopes: { read: ['read'] } }],
  })
  grant = await newGrant()
})

it('2. B gives no token for it before the administrator admits A, and before cargo lets acme call', async () => {
  const refused = { error: 'invalid_grant', reason: 'GRANT_NOT_ACCEPTED' }
  expect(await redeem(grant)).toMatchObject({ status: 400, body: refused })
  admission = await admit(beta, await member(alpha, 'auth.beta.example.net'))
  // Until B has the keys and the log of A, it answers 503.
  const answer = await until(
    async () => redeem(await newGrant()),
    ({ status }) => status !== 503,
  )
  expect(answer).toMatchObject({ status: 400, body: refused })
  const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
  letsCall = await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants })
})

it('3. B gives one token for a grant, which every instance of B accepts', async () => {
  const answer = await until(
    async () => {
      grant = await newGrant()
      return redeem(grant)
    },
    ({ status }) => status === 200,
  )
  expect(answer.body).toMatchObject({ token_type: 'DPoP', scope: 'orders:read' })
  expect(answer.body).not.toHaveProperty('refresh_token')
  chained = String(answer.body['access_token'])
  expect(await verdicts(chained)).toEqual(['valid', 'valid'])
  const used = { error: 'invalid_grant', reason: 'GRANT_USED' }
  for (const instance of [0, 1]) expect(await redeem(grant, instance)).toMatchObject({ status: 400, body: used })
})

it('4. a token of A revoked there ends the token of B, when B has heard of it', async () => {
  const token = await newToken()
  const revocable = String(expectStatus(200, await redeem(await newGrant(token)))['access_token'])
  expect(await verdicts(revocable)).toEqual(['valid', 'valid'])
  expectStatus(200, await alpha.client.revokeToken(token))
  await until(
    () => verdicts(revocable),
    (all) => all.every((verdict) => verdict === 'TOKEN_REVOKED'),
  )
  expect(await verdicts(chained)).toEqual(['valid', 'valid'])
})

it('5. when cargo takes its statement back, the token ends, and another grant finds no statement', async () => {
  await takeBack(cargo, letsCall)
  expect(await verdicts(chained)).toEqual(['TRUST_ENDED', 'TRUST_ENDED'])
  const missing = { error: 'unauthorized_client', reason: 'TRUST_NOT_FOUND' }
  for (const instance of [0, 1]) expect(await redeem(await newGrant(), instance)).toMatchObject({ body: missing })
  const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
  await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants })
  chained = String(expectStatus(200, await redeem(await newGrant()))['access_token'])
  expect(await verdicts(chained)).toEqual(['valid', 'valid'])
})

it('6. when disableIssuer returns, no instance of B accepts a token that was issued for a grant of A', async () => {
  const late = await newGrant()
  await switchIssuer(beta, admission.id, 'disable')
  expect(await verdicts(chained)).toEqual(['ISSUER_DISABLED', 'ISSUER_DISABLED'])
  expect(await redeem(late)).toMatchObject({ status: 400, body: { reason: 'GRANT_NOT_ACCEPTED' } })
  await switchIssuer(beta, admission.id, 'enable')
  expect(await verdicts(chained)).toEqual(['ISSUER_DISABLED', 'ISSUER_DISABLED'])
  expect(await redeem(late)).toMatchObject({ status: 400, body: { reason: 'GRANT_NOT_ACCEPTED' } })
})
