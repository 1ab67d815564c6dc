import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdmittedIssuer, admit, untilIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state } from '../../support/federation/statements.ts'
import type { AgentParty } from '../../support/parties.ts'
import { runSql } from '../../support/sql.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { anchors, ask, attest, authorityOf, pin, statementKeys } from './anchors.ts'

const AUDIENCE = 'https://api.cargo.example.com/v1'
const GRANTS = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]

let federation: Federation
let alpha: FederatedDeployment
let beta: FederatedDeployment
let gamma: FederatedDeployment
let cargo: Member
let acme: Member
let agent: AgentParty
let admission: AdmittedIssuer

// Gamma is the anchor, alpha its subordinate, and beta pins gamma.
beforeAll(async () => {
  federation = await createFederation()
  gamma = await federation.start('id.gamma.example.org')
  alpha = await federation.start('auth.alpha.example.net', {
    env: { AUTH4AGENT_FEDERATION_SUPERIORS: authorityOf(gamma) },
  })
  beta = await federation.start('auth.beta.example.net')
  acme = await member(alpha, 'acme.example.com')
  cargo = await member(beta, 'cargo.example.com')
  agent = await activeAgent(alpha.client, acme)
})
afterAll(() => federation?.stop())

const token = async () => (await issueToken(alpha.client, agent, { audience: AUDIENCE })).token
const verdict = async (text: unknown) => {
  const wanted = { audience: [AUDIENCE], scope: 'orders:read', issuers: [alpha.issuer] }
  return expectStatus(200, await beta.client.post('/v1/verify', { token: text, ...wanted }))
}
const resolve = (sub: string, anchor: string) =>
  fetch(`${beta.server.baseUrl}/federation/resolve?${new URLSearchParams({ sub, trust_anchor: anchor }).toString()}`)
const discover = () => ask(beta, 'discover', { issuer: alpha.issuer })
/** Makes the chain half an hour old, so that beta looks for a new one now. */
const ageChain = (edits = '') =>
  runSql(
    beta.databaseUrl,
    `UPDATE trust_chains SET refresh_at = now() - interval '1 second' ${edits}; UPDATE issuers SET keys_due_at = now()`,
  )

it('1. an issuer is not found without an anchor, and not before the anchor attests it', async () => {
  const without = await discover()
  expect(without).toMatchObject({ status: 409, body: { reason: 'TRUST_CHAIN_NOT_FOUND' } })
  await pin(beta, gamma)
  const unattested = await discover()
  expect(unattested).toMatchObject({ status: 409, body: { reason: 'TRUST_CHAIN_NOT_FOUND' } })
})

it('2. an anchor that signs with a key that is not pinned attests nothing, and the administrator is told', async () => {
  await attest(gamma, alpha)
  const { keys } = await statementKeys(gamma)
  const signer = keys.find(({ kid }) => kid === keys[0]?.kid)
  const others = keys.filter((key) => key !== signer)
  const all = { keys: others.length === 0 ? (await statementKeys(alpha)).keys : others }
  await pin(beta, gamma, { jwks: JSON.stringify(all) })
  const refused = await discover()
  expect(refused).toMatchObject({ status: 409, body: { reason: 'TRUST_CHAIN_NOT_FOUND' } })
  expect(JSON.stringify(refused.body)).toContain('KEY_NOT_PINNED')
  expect(await anchors(beta)).toMatchObject([{ unpinned_kids: expect.arrayContaining([signer?.kid]) }])
})

it('3. the administrator discovers the issuer, which waits for approval', async () => {
  await pin(beta, gamma)
  const found = expectStatus(200, await discover())
  expect(found).toMatchObject({
    candidate: {
      issuer: alpha.issuer,
      anchor: authorityOf(gamma),
      path: [alpha.issuer, authorityOf(gamma)],
      keys_from: 'signed_jwks_uri',
    },
  })
  expect(found).toMatchObject({ issuer: null })
  expect(await verdict(await token())).toMatchObject({ valid: false, reason: 'ISSUER_NOT_TRUSTED' })
})

it('4. the approved issuer has the keys of its chain, and its tokens are valid by statements', async () => {
  admission = await admit(beta, await member(alpha, 'auth.beta.example.net'), { anchor: authorityOf(gamma) })
  expect(admission).toMatchObject({ anchor: authorityOf(gamma), chain_expires_at: expect.any(String) })
  const text = await token()
  await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants: GRANTS })
  await until(
    () => verdict(text),
    ({ valid }) => valid === true,
  )
})

it('5. a stranger gets the chain from the resolve endpoint, and makes beta fetch nothing', async () => {
  const answer = await resolve(alpha.issuer, authorityOf(gamma))
  expect(answer.status).toBe(200)
  const [, payload = ''] = (await answer.text()).split('.')
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
    sub: alpha.issuer,
    metadata: { oauth_authorization_server: { issuer: alpha.issuer } },
    trust_chain: { length: 3 },
  })
  expect((await resolve(gamma.issuer, authorityOf(gamma))).status).toBe(404)
  expect((await resolve(alpha.issuer, authorityOf(alpha))).status).toBe(404)
})

it('6. beta renews the chain by itself', async () => {
  await ageChain(", expires_at = now() + interval '5 minutes'")
  const soon = new Date(Date.now() + 600_000).toISOString()
  await untilIssuer(beta, admission.id, ({ chain_expires_at: at }) => (at ?? '') > soon)
})

it('7. when gamma removes alpha, the last chain counts until it ends, and then no token is valid', async () => {
  expectStatus(200, await ask(gamma, 'subordinates/remove', { entity_id: alpha.issuer, reason: 'left' }))
  await ageChain()
  await untilIssuer(beta, admission.id, ({ problem = '' }) => problem.includes('chain: CHAIN_NOT_FOUND'))
  const text = await token()
  expect(await verdict(text)).toMatchObject({ valid: true })
  await ageChain(', expires_at = now()')
  await until(
    () => verdict(text),
    ({ valid }) => valid !== true,
  )
  expect(await verdict(text)).toMatchObject({ valid: false, reason: 'ISSUER_KEYS_UNAVAILABLE' })
})

it('8. when gamma attests alpha again, its tokens are valid without another approval', async () => {
  await attest(gamma, alpha)
  await runSql(beta.databaseUrl, 'UPDATE issuers SET keys_due_at = now()')
  const text = await token()
  await until(
    () => verdict(text),
    ({ valid }) => valid === true,
  )
})

it('9. when removeTrustAnchor returns, no token of the issuers under it is valid', async () => {
  const text = await token()
  const entity_id = authorityOf(gamma)
  const removed = expectStatus(200, await ask(beta, 'anchors/remove', { entity_id, reason: 'over' }))
  expect(removed).toMatchObject({ disabled_issuers: [alpha.issuer] })
  expect(await verdict(text)).toMatchObject({ valid: false, reason: 'ISSUER_DISABLED' })
})

it('10. an anchor admits deployments by itself, within its permitted names', async () => {
  const other = await federation.start('auth.delta.example.net', {
    env: { AUTH4AGENT_FEDERATION_SUPERIORS: authorityOf(gamma) },
  })
  await attest(gamma, other)
  const limited = { auto_admit: true, permitted_names: ['.example.org'] }
  await pin(beta, gamma, limited)
  const outside = await ask(beta, 'discover', { issuer: other.issuer })
  expect(outside).toMatchObject({ status: 409, body: { reason: 'TRUST_CHAIN_NOT_FOUND' } })
  await pin(beta, gamma, { ...limited, permitted_names: ['.example.net'] })
  const inside = expectStatus(200, await ask(beta, 'discover', { issuer: other.issuer }))
  expect(inside).toMatchObject({ issuer: { status: 'enabled', revocation_mode: 'none', anchor: authorityOf(gamma) } })
})
