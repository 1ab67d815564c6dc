import { afterAll, beforeAll, expect, it } from 'vitest'
import { attestationPolicy, attesting, newPlatform, WORKLOAD_ISSUER } from '../../support/attesting.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, newAgentParty } from '../../support/parties.ts'
import { outcomeOf } from '../../support/protocol-client.ts'
import { expectStatus, type KeyedOperator, provenOperator, signedChallenge } from '../../support/story.ts'

const platform = newPlatform()
let deployment: Deployment
let operator: KeyedOperator
let policy: ReturnType<typeof attestationPolicy>
let workloads: ReturnType<typeof attesting>
let agent: AgentParty
let token: string

beforeAll(async () => {
  deployment = await startDeployment()
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  policy = attestationPolicy(deployment.client, operator)
  workloads = attesting(deployment.client, operator.id)
  agent = newAgentParty(operator.domain)
})
afterAll(() => deployment?.stop())

/** Evidence of a pod: its service account token for the key of the agent. */
const podToken =
  (serviceAccount = 'web', namespace = 'shop') =>
  ({ audience }: { readonly audience: string }) =>
    Buffer.from(platform.token({ audience, namespace, serviceAccount }))

const newToken = async (of: AgentParty, scope: string) =>
  deployment.client.token(await signedChallenge(deployment.client, of, { scope, ttl: '5m' }))

const RULE = {
  all_of: ['k8s'],
  when: 'claims.k8s.namespace == "shop" && claims.k8s.service_account == "web"',
  label: 'web {k8s.pod}',
  scopes: ['orders:read'],
  max_agents: 10,
}

it('1. the operator pins the keys of its cluster, and says which pods become agents', async () => {
  await policy.putAttestor('k8s', 'kubernetes', { issuer: WORKLOAD_ISSUER, jwks: platform.jwks })
  await policy.putRule('web', RULE)
})

it('2. a pod with nothing but its service account token becomes an agent with the scopes of the rule', async () => {
  const enrolled = expectStatus(201, await workloads.enrol(agent, { k8s: podToken() }))
  expect(enrolled).toMatchObject({ did: agent.did, status: 'active', rule: 'web', allowed_scopes: ['orders:read'] })
  token = String(expectStatus(200, await newToken(agent, 'orders:read')).token)
  const verified = expectStatus(200, await deployment.client.verify(token))
  expect(verified).toMatchObject({
    valid: true,
    claims: { scope: 'orders:read', attestation: [{ attestor: 'k8s', type: 'kubernetes', level: 'bound' }] },
  })
  expect(outcomeOf(await newToken(agent, 'orders:write'))).toBe('403 SCOPE_NOT_ALLOWED')
})

it('3. another pod is refused, and the dry run tells why', async () => {
  const other = newAgentParty(operator.domain)
  expect(outcomeOf(await workloads.enrol(other, { k8s: podToken('batch') }))).toBe('403 ENROLMENT_REFUSED')
  const nonce = await workloads.nonce(other, 'enrol')
  const evidence = podToken('batch')(nonce).toString('base64')
  const attestation = { nonce: nonce.nonce, evidence: [{ attestor: 'k8s', evidence }] }
  const explained = expectStatus(200, await policy.dryRun({ agent_public_key: other.publicKey, attestation }))
  expect(explained).toMatchObject({
    evidence: [{ attestor: 'k8s', result: { claims: { service_account: 'batch', namespace: 'shop' } } }],
    rules: [
      {
        rule: 'web',
        met: false,
        conditions: [
          { outcome: 'true' },
          { condition: 'claims.k8s.namespace == "shop"', outcome: 'true' },
          {
            condition: 'claims.k8s.service_account == "web"',
            outcome: 'false',
            seen: ['claims.k8s.service_account = "batch"'],
          },
        ],
      },
    ],
    chosen_rule: '',
  })
})

it('4. a token for the key of another agent is refused', async () => {
  const thief = newAgentParty(operator.domain)
  const stolen = podToken()(await workloads.nonce(agent, 'enrol'))
  expect(outcomeOf(await workloads.enrol(thief, { k8s: stolen }))).toBe('403 EVIDENCE_REFUSED')
})

it('5. a token counts once for the operator, also at a second attestor with the same trust roots', async () => {
  await policy.putAttestor('again', 'kubernetes', { issuer: WORKLOAD_ISSUER, jwks: platform.jwks })
  const answer = await workloads.nonce(agent, 'attest')
  const evidence = podToken()(answer)
  expectStatus(200, await workloads.attest(agent, { k8s: evidence }, answer))
  expect(outcomeOf(await workloads.attest(agent, { again: evidence }))).toBe('409 EVIDENCE_USED')
})

it('6. a requirement lets a scope depend on a fresh result, and evidence can come with the request', async () => {
  await policy.putRule('web', { ...RULE, scopes: ['orders:read', 'orders:refund'] })
  await policy.putAttestor('ci', 'oidc', { issuer: `${WORKLOAD_ISSUER}/ci`, jwks: platform.jwks })
  await policy.putRequirement('refunds', { scopes: ['orders:refund'], all_of: ['ci'] })
  const second = newAgentParty(operator.domain)
  const answer = await workloads.enrol(second, { k8s: podToken() })
  // The scope is granted only with the result too.
  expect(outcomeOf(answer)).toBe('403 ATTESTATION_REQUIRED')
  await policy.putRule('web', RULE)
})

it('7. when the rule goes, its agents lose their tokens when the call returns, and get no new ones', async () => {
  const old = String(expectStatus(200, await newToken(agent, 'orders:read')).token)
  expect(expectStatus(200, await deployment.client.verify(old))).toMatchObject({ valid: true })
  expectStatus(200, await policy.deleteRule('web'))
  expect(expectStatus(200, await deployment.client.verify(old))).toMatchObject({ valid: false, reason: 'TRUST_ENDED' })
  expect(outcomeOf(await newToken(agent, 'orders:read'))).toBe('403 ATTESTATION_REQUIRED')
})
