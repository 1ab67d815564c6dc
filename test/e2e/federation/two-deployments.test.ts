import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdmittedIssuer, admit, switchIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state, takeBack } from '../../support/federation/statements.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'

const AUDIENCE = 'https://api.cargo.example.com/v1'
const GRANTS = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]

let federation: Federation
let alpha: FederatedDeployment
let beta: FederatedDeployment
let acme: Member
let cargo: Member
let agent: AgentParty
let admission: AdmittedIssuer
let statement: string

beforeAll(async () => {
  federation = await createFederation()
  alpha = await federation.start('auth.alpha.example.net')
  beta = await federation.start('auth.beta.example.net')
  acme = await member(alpha, 'acme.example.com')
  cargo = await member(beta, 'cargo.example.com')
  agent = await activeAgent(alpha.client, acme)
})
afterAll(() => federation?.stop())

const token = async () => (await issueToken(alpha.client, agent, { audience: AUDIENCE })).token
const verdict = async (text: unknown, issuers = [alpha.issuer]) =>
  expectStatus(
    200,
    await beta.client.post('/v1/verify', { token: text, audience: [AUDIENCE], scope: 'orders:read', issuers }),
  )

it('1. a token of a deployment that nobody has admitted is refused', async () => {
  expect(await verdict(await token())).toMatchObject({ valid: false, reason: 'ISSUER_NOT_TRUSTED' })
  expect(await verdict(await token(), [beta.issuer])).toMatchObject({ valid: false, reason: 'WRONG_ISSUER' })
})

it('2. the administrator admits the deployment, and its tokens are still refused', async () => {
  admission = await admit(beta, await member(alpha, 'auth.beta.example.net'))
  expect(await verdict(await token())).toMatchObject({ valid: false, reason: 'SUBJECT_OUTSIDE_NAMESPACE' })
})

it("3. a statement of the audience's owner makes tokens of the named operator valid", async () => {
  const text = await token()
  statement = await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants: GRANTS })
  const answer = await until(
    () => verdict(text),
    ({ valid }) => valid === true,
  )
  expect(answer).toMatchObject({
    claims: { iss: alpha.issuer, sub: agent.did, scope: 'read' },
    trust: { issuer: alpha.issuer, effective_scope: 'orders:read', audience: AUDIENCE, revocation_mode: 'log' },
  })
})

it('4. when disableIssuer returns, no token of the deployment is valid, and enabling it revives none', async () => {
  const before = await token()
  await switchIssuer(beta, admission.id, 'disable')
  expect(await verdict(before)).toMatchObject({ valid: false, reason: 'ISSUER_DISABLED' })
  await switchIssuer(beta, admission.id, 'enable')
  await until(
    async () => verdict(await token()),
    ({ valid }) => valid === true,
  )
  expect(await verdict(before)).toMatchObject({ valid: false, reason: 'ISSUER_DISABLED' })
})

it('5. when revokeTrustStatement returns, tokens of the named operator are refused', async () => {
  const text = await token()
  expect(await verdict(text)).toMatchObject({ valid: true })
  await takeBack(cargo, statement)
  expect(await verdict(text)).toMatchObject({ valid: false, reason: 'TRUST_NOT_FOUND' })
})
