import { afterAll, beforeAll, expect, it } from 'vitest'
import { attestationPolicy, attesting, newPlatform, WORKLOAD_ISSUER } from '../../support/attesting.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, clientAssertion } from '../../support/parties.ts'
import { type Answer, outcomeOf } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, type KeyedOperator, provenOperator, signedChallenge } from '../../support/story.ts'

const SCOPES = ['orders:read', 'orders:refund']
const REFUND = { scope: 'orders:refund', ttl: '5m' }

const platform = newPlatform()
let deployment: Deployment
let operator: KeyedOperator
let policy: ReturnType<typeof attestationPolicy>
let workloads: ReturnType<typeof attesting>
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment()
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  policy = attestationPolicy(deployment.client, operator)
  workloads = attesting(deployment.client, operator.id)
  agent = await activeAgent(deployment.client, operator, SCOPES)
})
afterAll(() => deployment?.stop())

const podToken = ({ audience }: { readonly audience: string }) =>
  Buffer.from(platform.token({ audience, namespace: 'shop', serviceAccount: 'web' }))
const evidence = () => workloads.attestation(agent, 'token', { k8s: podToken })

/** Redeems a challenge for a token, with further members of the request. */
const redeem = async (wishes: { readonly scope: string; readonly ttl: string }, extra: object = {}) => {
  const body = await signedChallenge(deployment.client, agent, wishes)
  return deployment.client.post('/v1/token', { ...body, ...extra })
}
const verify = async (token: unknown, attestation?: object) =>
  expectStatus(
    200,
    await deployment.client.post('/v1/verify', {
      token,
      operators: [operator.domain],
      ...(attestation && { attestation }),
    }),
  )

/** Asks for a token as a client that knows only OAuth. */
async function oauthToken(parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const form = { grant_type: 'client_credentials', ...clientAssertion(agent, ISSUER), ...parameters }
  const url = `${deployment.server.baseUrl}/oauth/token`
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) }
}

it('1. the operator demands a result of its cluster for refunds, with which tokens end', async () => {
  await policy.putAttestor('k8s', 'kubernetes', { issuer: WORKLOAD_ISSUER, jwks: platform.jwks })
  await policy.putRequirement('refunds', {
    scopes: ['orders:refund*'],
    all_of: ['k8s'],
    at: ['token'],
    end_tokens: true,
  })
})

it('2. an agent without a result gets other tokens, and none for refunds', async () => {
  const { token } = expectStatus(200, await redeem({ ...REFUND, scope: 'orders:read' }))
  expect(await verify(token)).toMatchObject({ valid: true, claims: { scope: 'orders:read' } })
  expect(await verify(token, {})).toMatchObject({ valid: false, reason: 'ATTESTATION_REQUIRED' })
  expect(outcomeOf(await redeem(REFUND))).toBe('403 ATTESTATION_REQUIRED')
  expect(outcomeOf(await oauthToken({ scope: 'orders:refund' }))).toBe('400 ATTESTATION_REQUIRED')
})

it('3. evidence that does not count gives no token', async () => {
  const other = await activeAgent(deployment.client, operator, SCOPES)
  const stolen = await workloads.attestation(other, 'token', { k8s: podToken })
  expect(outcomeOf(await redeem(REFUND, { attestation: stolen }))).toBe('401 NONCE_NOT_ACCEPTED')
  const early = await workloads.attestation(agent, 'attest', { k8s: podToken })
  expect(outcomeOf(await redeem(REFUND, { attestation: early }))).toBe('401 NONCE_NOT_ACCEPTED')
  const unknown = await workloads.attestation(agent, 'token', { ci: podToken })
  expect(outcomeOf(await redeem(REFUND, { attestation: unknown }))).toBe('404 ATTESTOR_NOT_FOUND')
  const forged = await workloads.attestation(agent, 'token', { k8s: () => Buffer.from('a.b.c') })
  expect(outcomeOf(await redeem(REFUND, { attestation: forged }))).toBe('403 EVIDENCE_REFUSED')
})

it('4. evidence with the request gives a token that states the result, once', async () => {
  const attestation = await evidence()
  const { token } = expectStatus(200, await redeem(REFUND, { attestation }))
  const demand = { types: 'kubernetes', attestors: ['k8s'], level: 'bound', max_age: 60 }
  expect(await verify(token, demand)).toMatchObject({
    valid: true,
    claims: { attestation: [{ attestor: 'k8s', type: 'kubernetes', level: 'bound' }] },
  })
  expect(await verify(token, { ...demand, level: 'hardware' })).toMatchObject({ reason: 'ATTESTATION_REQUIRED' })
  expect(outcomeOf(await redeem(REFUND, { attestation }))).toBe('409 EVIDENCE_USED')
})

it('5. the same evidence comes as JSON text at the token endpoint of OAuth', async () => {
  const attestation = JSON.stringify(await evidence())
  const { access_token } = expectStatus(200, await oauthToken({ scope: 'orders:refund', attestation }))
  expect(await verify(access_token, { types: ['kubernetes'] })).toMatchObject({ valid: true })
})

const demand = (attestation: object, operators: object = { operators: [operator.domain] }) =>
  deployment.client.post('/v1/verify', { token: 'x', attestation, ...operators })

it('6. a verifier cannot demand a result of any operator, or an empty list', async () => {
  expect(outcomeOf(await demand({ level: 'hardware' }, {}))).toBe('400 INVALID_ARGUMENT')
  expect(outcomeOf(await demand({ types: [] }))).toBe('400 INVALID_ARGUMENT')
})

it('7. when the attestor goes, the tokens that rest on it end, and no new one is given', async () => {
  const { token } = expectStatus(200, await redeem(REFUND))
  expect(await verify(token)).toMatchObject({ valid: true })
  expectStatus(200, await policy.deleteAttestor('k8s'))
  expect(await verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'TRUST_ENDED' })
  expect(outcomeOf(await redeem(REFUND))).toBe('403 ATTESTATION_REQUIRED')
})
