import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdmittedIssuer, admit, switchIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { explain, type Member, member, state, takeBack } from '../../support/federation/statements.ts'
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
/** What is missing for a token of acme, as cargo is told. */
const missing = async () => {
  const { allowed, legs } = await explain(cargo, acme, AUDIENCE, 'read')
  expect(allowed).toBe(legs.every(({ ok }) => ok))
  return legs.flatMap((leg) => (leg.ok ? [] : [{ leg: leg.leg, ...leg.missing }]))
}

it('1. a token of a deployment that nobody has admitted is refused', async () => {
  expect(await verdict(await token())).toMatchObject({ valid: false, reason: 'ISSUER_NOT_TRUSTED' })
  expect(await verdict(await token(), [beta.issuer])).toMatchObject({ valid: false, reason: 'WRONG_ISSUER' })
  const lacks = { leg: 'permission', kind: 'lets-call', from: cargo.domain, to: acme.domain, state: 'absent' }
  expect(await missing()).toEqual([
    { leg: 'identity', kind: 'admits', from: beta.issuer, to: alpha.issuer, state: 'absent' },
    lacks,
  ])
})

it('2. the administrator admits the deployment, and its tokens are still refused', async () => {
  admission = await admit(beta, await member(alpha, 'auth.beta.example.net'))
  expect(await verdict(await token())).toMatchObject({ valid: false, reason: 'SUBJECT_OUTSIDE_NAMESPACE' })
  const unproven = { leg: 'identity', kind: 'speaks-for', from: acme.domain, to: alpha.issuer, state: 'unproven' }
  expect(await missing()).toEqual(expect.arrayContaining([unproven]))
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
  expect(await explain(cargo, acme, AUDIENCE, 'read')).toMatchObject({
    allowed: true,
    effective_scopes: ['orders:read'],
    legs: [
      { leg: 'identity', path: [{ kind: 'admits' }, { kind: 'speaks-for', from: acme.domain, to: alpha.issuer }] },
      { leg: 'permission', path: [{ kind: 'lets-call', from: cargo.domain, to: acme.domain }] },
      { leg: 'freshness', max_staleness_ms: 5_000 },
    ],
  })
})

it('4. when disableIssuer returns, no token of the deployment is valid, and enabling it revives none', async () => {
  const before = await token()
  await switchIssuer(beta, admission.id, 'disable')
  expect(await verdict(before)).toMatchObject({ valid: false, reason: 'ISSUER_DISABLED' })
  const disabled = { leg: 'identity', kind: 'admits', from: beta.issuer, to: alpha.issuer, state: 'disabled' }
  expect(await missing()).toEqual([disabled])
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
  const revoked = { leg: 'permission', kind: 'lets-call', from: cargo.domain, to: acme.domain, state: 'revoked' }
  expect(await missing()).toEqual([revoked])
})
