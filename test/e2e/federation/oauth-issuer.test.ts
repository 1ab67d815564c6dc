import { operatorId } from '@auth4agent/core/identity/operator-id'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addIssuer, switchIssuer, untilIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state } from '../../support/federation/statements.ts'
import { expectStatus } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { INTROSPECTOR, LIST_TTL_S, type OAuthServer, startOAuthServer } from './oauth-server.ts'

const AUDIENCE = 'https://api.cargo.example.com/v1'
const TTL_S = 300

let federation: Federation
let beta: FederatedDeployment
let cargo: Member
let first: OAuthServer
let second: OAuthServer
let slow: OAuthServer
let listed: OAuthServer
let listedId: string

beforeAll(async () => {
  federation = await createFederation()
  beta = await federation.start('auth.beta.example.net')
  cargo = await member(beta, 'cargo.example.com')
  first = await startOAuthServer(federation, 'login.example.org', TTL_S)
  second = await startOAuthServer(federation, 'login.example.net', TTL_S)
  slow = await startOAuthServer(federation, 'slow.example.net', TTL_S + 1)
  listed = await startOAuthServer(federation, 'listed.example.net', TTL_S + 1)
})
afterAll(async () => {
  for (const server of [first, second, slow, listed]) await server?.close()
  await federation?.stop()
})

const verdict = async (token: string, { issuer }: OAuthServer, audience = AUDIENCE) =>
  expectStatus(
    200,
    await beta.client.post('/v1/verify', { token, audience: [audience], scope: 'orders:read', issuers: [issuer] }),
  )

/** Admits an OAuth server for a domain, and lets the domain call cargo. */
async function admitFor(domain: string, { issuer, jwksUri }: OAuthServer, revocations: object): Promise<string> {
  const fields = { issuer, kind: 'oauth', algorithms: ['ES256'], jwks_uri: jwksUri, domain, ...revocations }
  const { id } = await addIssuer(beta, fields)
  const caller = { id: operatorId({ issuer, domain, thumbprint: '' }), domain, home: { issuer } }
  const grants = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
  await state(cargo, caller, { kind: 'lets-call', aud: [beta.issuer], grants })
  await untilIssuer(beta, id, ({ keys }) => keys.length > 0)
  return id
}

/** Waits until every process says the same. Each has a list of its own, and the asks go to one after the other. */
const untilEverywhere = (token: string, isValid: boolean) =>
  until(
    () => Promise.all(Array.from({ length: 6 }, () => verdict(token, listed))),
    (answers) => answers.every(({ valid }) => (valid === true) === isValid),
  )

it('1. a token of oidc-provider is valid with the mode none, if it lives at most 5 minutes', async () => {
  await admitFor('courier.example.com', first, { revocation_mode: 'none' })
  const token = await first.token(AUDIENCE)
  const answer = await until(
    () => verdict(token, first),
    ({ valid }) => valid === true,
  )
  expect(answer).toMatchObject({
    claims: { iss: first.issuer, sub: 'courier', scope: 'read' },
    trust: { effective_scope: 'orders:read', revocation_mode: 'none', max_staleness_ms: TTL_S * 1_000 },
  })
  await admitFor('slow.example.com', slow, { revocation_mode: 'none' })
  expect(await verdict(await slow.token(AUDIENCE), slow)).toMatchObject({ reason: 'LIFETIME_TOO_LONG' })
})

it('2. a token for another audience, and one of another issuer, are refused', async () => {
  const other = 'https://other.cargo.example.com'
  expect(await verdict(await first.token(other), first)).toMatchObject({ reason: 'AUDIENCE_MISMATCH' })
  expect(await verdict(await first.token(other), first, other)).toMatchObject({ reason: 'TRUST_NOT_FOUND' })
  expect(await verdict(await second.token(AUDIENCE), first)).toMatchObject({ reason: 'WRONG_ISSUER' })
  expect(await verdict(await second.token(AUDIENCE), second)).toMatchObject({ reason: 'ISSUER_NOT_TRUSTED' })
})

it('3. with the mode introspection, a token is valid until the issuer says that it is not active', async () => {
  await admitFor('clerk.example.com', second, {
    revocation_mode: 'introspection',
    acts_as: INTROSPECTOR.id,
    secret: INTROSPECTOR.secret,
    introspection_uri: second.introspectionUri,
  })
  const token = await second.token(AUDIENCE)
  await until(
    () => verdict(token, second),
    ({ valid }) => valid === true,
  )
  second.endAll()
  const answer = await until(
    () => verdict(token, second),
    ({ valid }) => valid !== true,
  )
  expect(answer).toMatchObject({ revoked: true, reason: 'TOKEN_REVOKED' })
})

it('4. while the issuer cannot be asked, its tokens are stale, and tokens of other issuers are valid', async () => {
  await second.front.cut()
  expect(await verdict(await second.token(AUDIENCE), second)).toMatchObject({ reason: 'ISSUER_REVOCATIONS_STALE' })
  expect(await verdict(await first.token(AUDIENCE), first)).toMatchObject({ valid: true })
})

it('5. with the mode status_list, a token is valid until the list of its issuer shows that it has ended', async () => {
  listedId = await admitFor('dispatch.example.com', listed, { revocation_mode: 'status_list' })
  const token = await listed.token(AUDIENCE)
  const answer = await until(
    () => verdict(token, listed),
    ({ valid }) => valid === true,
  )
  expect(answer).toMatchObject({
    trust: {
      revocation_mode: 'status_list',
      max_staleness_ms: LIST_TTL_S * 1_000,
      revocations_as_of: expect.any(String),
    },
  })
  await untilIssuer(beta, listedId, (row) => row.revocations_as_of !== undefined)
  listed.setStatus(2)
  const suspended = await until(
    () => verdict(token, listed),
    ({ valid }) => valid !== true,
  )
  expect(suspended).toMatchObject({ revoked: true, reason: 'TOKEN_REVOKED' })
  listed.setStatus(0)
  await until(
    () => verdict(token, listed),
    ({ valid }) => valid === true,
  )
})

it('6. while the list cannot be fetched, its tokens become stale, and tokens of other issuers are valid', async () => {
  const token = await listed.token(AUDIENCE)
  await untilEverywhere(token, true)
  await listed.front.cut()
  for (const stale of await untilEverywhere(token, false))
    expect(stale).toMatchObject({ revoked: false, reason: 'ISSUER_REVOCATIONS_STALE' })
  expect(await verdict(await first.token(AUDIENCE), first)).toMatchObject({ valid: true })
})

it('7. when disableIssuer returns, no token of the issuer is valid, whatever its list says', async () => {
  await listed.front.restore()
  const token = await listed.token(AUDIENCE)
  await untilEverywhere(token, true)
  await switchIssuer(beta, listedId, 'disable')
  expect(await verdict(token, listed)).toMatchObject({ reason: 'ISSUER_DISABLED' })
  await switchIssuer(beta, listedId, 'enable')
  expect(await verdict(token, listed)).toMatchObject({ reason: 'ISSUER_DISABLED' })
})
