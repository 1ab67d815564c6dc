import { sign } from 'node:crypto'
import { createVerifier, type FollowedIssuer, type OwnOperator, type Verifier } from '@auth4agent/verifier'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AdmittedIssuer, admit, switchIssuer } from '../../support/federation/admissions.ts'
import { createFederation, type FederatedDeployment, type Federation } from '../../support/federation/deployments.ts'
import { type Member, member, state, takeBack } from '../../support/federation/statements.ts'
import { becomes } from '../../support/followed-log.ts'
import { outcomeOf } from '../../support/offline-verifier.ts'
import type { AgentParty } from '../../support/parties.ts'
import { watcherOf } from '../../support/sdk/watch-key.ts'
import { activeAgent, expectStatus, issueToken } from '../../support/story.ts'
import { until } from '../../support/until.ts'

const AUDIENCE = 'https://api.cargo.example.com/v1'
const GRANTS = [{ audience: AUDIENCE, scopes: { read: ['orders:read'] } }]
const WANTED = { scope: 'orders:read' }

let federation: Federation
let alpha: FederatedDeployment
let beta: FederatedDeployment
let acme: Member
let cargo: Member
let agent: AgentParty
let issuer: AdmittedIssuer
let statement: string
/** Programs of cargo at B: one asks B about each token of A, the other follows the log of A. */
let asking: Verifier
let following: Verifier
const both = () => [asking, following]

beforeAll(async () => {
  federation = await createFederation()
  alpha = await federation.start('auth.alpha.example.net')
  beta = await federation.start('auth.beta.example.net')
  acme = await member(alpha, 'acme.example.com')
  cargo = await member(beta, 'cargo.example.com')
  agent = await activeAgent(alpha.client, acme)
  // Under cargo's own domain, A would ask cargo there who may call.
  const there = await member(alpha, 'watch.example.org')
  asking = program(await watcher(cargo))
  following = program(await watcher(cargo), [{ issuer: alpha.issuer, revocations: await watcher(there) }])
  await Promise.all(both().map((verifier) => verifier.ready({ timeout: 60 })))
})
afterAll(async () => {
  for (const verifier of both()) verifier?.close()
  await federation?.stop()
})

/** Adds a key that may only watch. It suffices for following revocations and for reading who may call. */
function watcher({ id, home, keys: { publicKey, privateKey } }: Member): Promise<OwnOperator> {
  const key = { publicKey, sign: async (message: Uint8Array) => sign(null, message, privateKey) }
  return watcherOf({ server: home.server.baseUrl, issuer: home.issuer, operatorId: id, key })
}

/** Starts a program of an operator of B that serves cargo's audience. */
function program(revocations: OwnOperator, follow?: readonly FollowedIssuer[]): Verifier {
  const places = [alpha, beta].map(({ issuer: name, server }) => [name, server.baseUrl] as const)
  return createVerifier({
    issuer: beta.issuer,
    audience: AUDIENCE,
    operators: [cargo.domain],
    revocations,
    trust: 'server',
    ...(follow && { follow }),
    onProblem: () => undefined,
    fetch: (url, init) => {
      const [name, baseUrl] = places.find(([each]) => url.startsWith(`${each}/`)) ?? expect.fail(url)
      return fetch(url.replace(name, baseUrl), init)
    },
  })
}

const newToken = async (audience = AUDIENCE) => String((await issueToken(alpha.client, agent, { audience })).token)
const outcomes = (token: string) => Promise.all(both().map((verifier) => outcomeOf(verifier, token, WANTED)))
const becomeBoth = (token: string, outcome: string) =>
  until(
    () => outcomes(token),
    (all) => all.every((each) => each === outcome),
  )
const questionsOf = (verifier: Verifier) => verifier.metrics().admissions?.questions ?? 0
const untilAdmissions = (count: number) =>
  until(
    async () => both().map((verifier) => verifier.metrics().admissions?.count),
    (counts) => counts.every((each) => each === count),
  )

it('1. a token of a deployment that nobody has admitted is refused, because B says so', async () => {
  expect(await outcomes(await newToken())).toEqual(['ISSUER_NOT_TRUSTED', 'ISSUER_NOT_TRUSTED'])
  expect(both().map(questionsOf)).toEqual([1, 1])
  const own = await activeAgent(beta.client, cargo)
  const token = String((await issueToken(beta.client, own, { audience: AUDIENCE })).token)
  for (const verifier of both()) expect(await outcomeOf(verifier, token, { scope: 'read' })).toBe('VALID')
})

it('2. a new statement counts as soon as B is asked, and after the next reading nobody has to be asked', async () => {
  issuer = await admit(beta, await member(alpha, 'auth.beta.example.net'))
  statement = await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants: GRANTS })
  await becomeBoth(await newToken(), 'VALID')
  await untilAdmissions(1)
  const before = both().map(questionsOf)
  const token = await newToken()
  const claims = await Promise.all([0, 1].flatMap(() => both().map((verifier) => verifier.verify(token, WANTED))))
  for (const each of claims)
    expect(each).toMatchObject({ iss: alpha.issuer, sub: agent.did, scope: 'read', effectiveScope: 'orders:read' })
  const [asked = 0, followed = 0] = both().map(questionsOf)
  expect([asked, followed]).toEqual([(before[0] ?? 0) + 2, before[1] ?? 0])
})

it('3. a token for another audience, or without a scope, is refused', async () => {
  expect(await outcomes(await newToken('https://api.dock.example.com'))).toEqual([
    'AUDIENCE_MISMATCH',
    'AUDIENCE_MISMATCH',
  ])
  const token = await newToken()
  for (const verifier of both()) expect(await outcomeOf(verifier, token, { scope: 'read' })).toBe('SCOPE_MISSING')
})

it('4. a token that A revokes is refused by a program that follows A', async () => {
  const token = await newToken()
  await becomeBoth(token, 'VALID')
  expectStatus(200, await alpha.client.revokeToken(token))
  await becomeBoth(token, 'TOKEN_REVOKED')
})

it('5. tokens are refused when the statement is revoked, and valid again by a newer one', async () => {
  const token = await newToken()
  await becomeBoth(token, 'VALID')
  await takeBack(cargo, statement)
  expect(await outcomeOf(asking, token, WANTED)).toBe('TRUST_NOT_FOUND')
  await becomes(following, token, 'TRUST_NOT_FOUND')
  statement = await state(cargo, acme, { kind: 'lets-call', aud: [beta.issuer], grants: GRANTS })
  await becomeBoth(token, 'VALID')
})

it('6. tokens are refused when the issuer is disabled, and enabling it revives none of them', async () => {
  const token = await newToken()
  await becomeBoth(token, 'VALID')
  await switchIssuer(beta, issuer.id, 'disable')
  expect(await outcomeOf(asking, token, WANTED)).toBe('ISSUER_DISABLED')
  await becomes(following, token, 'ISSUER_DISABLED')
  await switchIssuer(beta, issuer.id, 'enable')
  await until(
    async () => outcomes(await newToken()),
    (all) => all.every((each) => each === 'VALID'),
  )
  expect(await outcomes(token)).toEqual(['ISSUER_DISABLED', 'ISSUER_DISABLED'])
})

it("7. a program of another operator cannot read who may call cargo's audience", async () => {
  const dock = await member(beta, 'dock.example.com')
  const intruder = program(await watcher(dock))
  const refused = { reason: 'ACCESS_REFUSED', message: expect.stringContaining('PERMISSION_DENIED') }
  await expect(intruder.ready({ timeout: 60 })).rejects.toMatchObject(refused)
  intruder.close()
})

it('8. while B cannot reach A, only a program that follows A by itself accepts its tokens', async () => {
  const token = await newToken()
  await until(
    async () => [questionsOf(following), await outcomeOf(following, token, WANTED), questionsOf(following)],
    ([before, outcome, after]) => outcome === 'VALID' && before === after,
  )
  await alpha.front.cut()
  await becomes(asking, token, 'ISSUER_REVOCATIONS_STALE')
  expect(await outcomeOf(following, token, WANTED)).toBe('VALID')
  await alpha.front.restore()
  await becomeBoth(token, 'VALID')
})

// This must be the last test, because it stops a deployment.
it('9. while A is down, its tokens are temporarily refused', async () => {
  const token = await newToken()
  await becomeBoth(token, 'VALID')
  await alpha.server.kill()
  await becomeBoth(token, 'ISSUER_REVOCATIONS_STALE')
  await expect(following.verify(token, WANTED)).rejects.toMatchObject({ isTemporary: true })
})
