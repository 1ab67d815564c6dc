import { Auth4AgentError } from '@auth4agent/sdk'
import {
  addWatchKey,
  enterAgent,
  enterOperator,
  type PlayedAgent,
  type PlayedOperator,
  proveDomain,
  type Scene,
} from './parties.ts'
import { type ProtectedApi, startProtectedApi } from './protected-api.ts'
import { type Answered, answerOf, unexpected, untilRefused } from './until-refused.ts'

const GRANTED = ['orders:read']
const REASON = 'demo'

/**
 * Runs all steps, from a new domain to a suspended agent, and prints each step. At the end it releases the domain,
 * also after a failure. If `keeps` is true, it keeps the domain after a success. Rejects with the error of a failed
 * step.
 */
export async function play(scene: Scene, keeps: boolean): Promise<void> {
  await using ending = new AsyncDisposableStack()
  const operator = await enterOperator(scene)
  let isKept = false
  ending.defer(() => (isKept ? undefined : operator.giveUp().catch((why: unknown) => scene.stillOwned(why, scene))))
  await proveDomain(scene, operator)
  const agent = await enterAgent(scene, operator)
  ending.defer(() => agent.agent.close())
  await grant(scene, operator, agent)
  const audience = `https://api.${scene.domain}`
  const api = await openApi(scene, operator, audience)
  ending.defer(() => api.close())
  const { token, jti } = await signIn(scene, agent, audience)
  await call(scene, api, token)
  await callBeyond(scene, api, token)
  await revoke(scene, operator, api, { token, jti })
  await suspend(scene, operator, agent, { api, audience })
  if (keeps) await operator.operator.agents.reactivate(agent.did)
  isKept = keeps
}

async function grant({ tell }: Scene, { operator }: PlayedOperator, { did }: PlayedAgent): Promise<void> {
  const { allowed_scopes } = await operator.agents.setScopes(did, GRANTED)
  tell({
    step: 'scopes-granted',
    title: 'The operator grants scopes to the agent',
    lines: [`${allowed_scopes.join(' ')}. The operator signs an assertion for this one call.`],
    facts: { did, allowed_scopes },
  })
}

async function openApi({ issuer, domain, fetch, tell }: Scene, operator: PlayedOperator, audience: string) {
  const revocations = await addWatchKey(operator)
  const api = await startProtectedApi({
    issuer,
    audience,
    operators: [domain],
    revocations,
    fetch: (url, init) => fetch(url, init),
  })
  tell({
    step: 'api-started',
    title: 'An API starts',
    lines: [
      `It listens at ${api.url}. Its audience is ${audience}.`,
      `It trusts only agents of ${domain}, verifies tokens itself and receives revocations from the server.`,
      'Its key has the role watch, which allows nothing else. The root key stays with the operator.',
    ],
    facts: { url: api.url, audience },
  })
  return api
}

async function signIn({ tell }: Scene, { agent, did }: PlayedAgent, audience: string) {
  const { token, jti, lifetimeS, scope } = await agent.issued({ scopes: GRANTED, audience, ttl: '5m' })
  tell({
    step: 'token-issued',
    title: 'The agent signs a challenge and gets a token',
    lines: [
      `For ${scope} at ${audience}, valid for ${lifetimeS / 60} minutes. The private key does not leave this machine.`,
    ],
    facts: { did, jti, scope, audience, lifetime_seconds: lifetimeS },
  })
  return { token, jti }
}

async function call({ tell }: Scene, { url }: ProtectedApi, token: string): Promise<void> {
  const { status, body } = await ask('GET', url, token)
  if (status !== 200) throw unexpected('the API', status, body)
  tell({
    step: 'call-accepted',
    title: 'The agent calls the API',
    lines: [`GET /orders: ${status} ${body}`],
    facts: { call: 'GET /orders', status },
  })
}

async function callBeyond({ tell }: Scene, { url }: ProtectedApi, token: string): Promise<void> {
  const { status, body } = await ask('POST', url, token)
  if (status !== 403) throw unexpected('the API', status, body)
  tell({
    step: 'scope-missing',
    title: 'The agent tries a call for which it has no scope',
    lines: [`POST /orders: ${status} ${body}`],
    facts: { call: 'POST /orders', status },
  })
}

async function revoke(
  { tell, pause }: Scene,
  { operator }: PlayedOperator,
  api: ProtectedApi,
  { token, jti }: { readonly token: string; readonly jti: string },
): Promise<void> {
  await operator.revokeToken(jti, REASON)
  const { ms, body } = await untilRefused(() => ask('GET', api.url, token), pause)
  tell({
    step: 'token-revoked',
    title: 'The operator revokes the token',
    lines: [`The API refuses the token ${ms} ms after the server's answer: 401 ${body}`],
    facts: { jti, refused_after_ms: ms },
  })
}

async function suspend(
  { tell, pause }: Scene,
  { operator }: PlayedOperator,
  { agent, did }: PlayedAgent,
  { api, audience }: { readonly api: ProtectedApi; readonly audience: string },
): Promise<void> {
  const terms = { scopes: GRANTED, audience, ttl: '4m' }
  const { token } = await agent.issued(terms)
  await operator.agents.suspend(did, REASON)
  const { ms } = await untilRefused(() => ask('GET', api.url, token), pause)
  agent.forget(token)
  const reason = await agent.issued(terms).then(
    () => undefined,
    (error: unknown) => (error instanceof Auth4AgentError ? error.reason : String(error)),
  )
  if (reason !== 'AGENT_NOT_ACTIVE') throw unexpected('the server', 403, String(reason))
  tell({
    step: 'agent-suspended',
    title: 'The operator suspends the agent',
    lines: [`The API refuses its tokens after ${ms} ms, and the agent gets no new token: ${reason}`],
    facts: { did, refused_after_ms: ms, reason },
  })
}

/** Calls the API without the SDK's fetch, which would get another token after a refusal. */
async function ask(method: string, url: string, token: string): Promise<Answered> {
  return answerOf(await fetch(`${url}/orders`, { method, headers: { authorization: `Bearer ${token}` } }))
}
