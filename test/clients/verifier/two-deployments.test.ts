import { createServer } from 'node:http'
import { createVerifier, type TrustedIssuer, type Verifier } from '@auth4agent/verifier'
import { claimsOf, protect } from '@auth4agent/verifier/express'
import express, { type Request, type Response } from 'express'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { becomes } from '../../support/followed-log.ts'
import { outcomeOf } from '../../support/offline-verifier.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, provenOperator } from '../../support/story.ts'
import { listening } from './apis.ts'

const ALPHA = 'http://localhost:8081'
/** The API. Neither deployment knows its domain, so both issue tokens for it. */
const AUDIENCE = 'https://api.shop.example.com'
const [ACME, CARGO] = ['acme.example.com', 'cargo.example.com']

/** A deployment with the agent of an operator, and how a verifier trusts it. */
interface Side {
  readonly deployment: Deployment
  readonly agent: AgentParty
  readonly trusted: TrustedIssuer
  readonly newToken: (agent?: AgentParty) => Promise<string>
}

let alpha: Side
let beta: Side
let verifier: Verifier
beforeAll(async () => {
  ;[alpha, beta] = await Promise.all([setSide(ALPHA, ACME), setSide(ISSUER, CARGO)])
  verifier = createVerifier({
    audience: AUDIENCE,
    issuers: [{ ...alpha.trusted, scopes: { 'orders:read': ['read'] } }, beta.trusted],
    fetch: (url, init) => {
      const [issuer, { deployment }] = url.startsWith(`${ALPHA}/`) ? [ALPHA, alpha] : [ISSUER, beta]
      return globalThis.fetch(url.replace(issuer, deployment.server.baseUrl), init)
    },
    onProblem: () => undefined,
  })
  await verifier.ready()
})
afterAll(async () => {
  verifier?.close()
  for (const side of [alpha, beta]) {
    await side?.deployment.server.kill()
    await side?.deployment.stop()
  }
})

async function setSide(issuer: string, domain: string): Promise<Side> {
  const deployment = await startDeployment({ ownProcess: true, env: { AUTH4AGENT_BASE_URL: issuer } })
  const operator = await provenOperator(deployment.client, deployment.dns, domain, issuer)
  const own = await activeAgent(deployment.client, operator, ['orders:read'])
  return {
    deployment,
    agent: own,
    trusted: {
      issuer,
      operators: [domain],
      revocations: { authorization: async () => operator.assert('GET /v1/revocations') },
      maxStaleness: 2,
    },
    newToken: async (agent = own) =>
      String((await issueToken(deployment.client, agent, { scope: 'orders:read', audience: AUDIENCE })).token),
  }
}

function tell(_request: Request, response: Response): void {
  const { iss, effectiveScope } = claimsOf(response)
  response.json({ iss, effectiveScope })
}

it('an API accepts the tokens of two deployments, each with the scopes that it has there', async () => {
  const app = express()
  app.get('/orders', protect(verifier, { scope: 'orders:read' }), tell)
  app.get('/stock', protect(verifier, { scope: 'read' }), tell)
  const api = await listening(createServer(app))
  onTestFinished(() => api.close())
  const get = async (path: string, side: Side): Promise<unknown> => {
    const answer = await fetch(api.url + path, { headers: { authorization: `Bearer ${await side.newToken()}` } })
    return [answer.status, await answer.json()]
  }
  expect(await get('/stock', alpha)).toEqual([200, { iss: ALPHA, effectiveScope: 'read' }])
  expect(await get('/orders', beta)).toEqual([200, { iss: ISSUER, effectiveScope: 'orders:read' }])
  for (const refused of [await get('/orders', alpha), await get('/stock', beta)])
    expect(refused).toMatchObject([403, { reason: 'SCOPE_MISSING' }])
})

it('a deployment cannot speak for the domain of another one, which it proved by its own DNS', async () => {
  const { client, dns } = alpha.deployment
  const impostor = await activeAgent(client, await provenOperator(client, dns, CARGO, ALPHA), ['orders:read'])
  expect(await outcomeOf(verifier, await alpha.newToken(impostor))).toBe('SUBJECT_OUTSIDE_NAMESPACE')
})

it('a token that its deployment revokes is refused, and tokens of the other deployment stay valid', async () => {
  const [ofAlpha, ofBeta] = [await alpha.newToken(), await beta.newToken()]
  for (const token of [ofAlpha, ofBeta]) expect(await outcomeOf(verifier, token)).toBe('VALID')
  expectStatus(200, await alpha.deployment.client.revokeToken(ofAlpha))
  await becomes(verifier, ofAlpha, 'TOKEN_REVOKED')
  expect(await outcomeOf(verifier, ofBeta)).toBe('VALID')
})

// This must be the last test, because it stops a deployment.
it('a deployment that is down makes only its own tokens temporarily refused', async () => {
  const [ofAlpha, ofBeta] = [await alpha.newToken(), await beta.newToken()]
  for (const token of [ofAlpha, ofBeta]) expect(await outcomeOf(verifier, token)).toBe('VALID')
  await alpha.deployment.server.kill()
  await becomes(verifier, ofAlpha, 'ISSUER_REVOCATIONS_STALE')
  expect(await outcomeOf(verifier, ofBeta)).toBe('VALID')
  const { issuers } = verifier.metrics()
  expect(issuers?.[ALPHA]?.stalenessSeconds).toBeGreaterThan(2)
})
