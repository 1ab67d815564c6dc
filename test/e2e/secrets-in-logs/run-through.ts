import { randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { attestationPolicy, attesting } from '../../support/attesting.ts'
import { ISSUER } from '../../support/deployment.ts'
import {
  type AgentParty,
  type Asserter,
  clientAssertion,
  dpopProof,
  newAgentParty,
  newKeys,
  operatorAsserter,
} from '../../support/parties.ts'
import { type Json, type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import type { RunningServer } from '../../support/server.ts'
import { activeAgent, expectStatus, type OperatorParty, signedChallenge } from '../../support/story.ts'
import { stubsOf } from '../grpc-stubs/stubs.ts'
import type { Secrets } from './secrets.ts'

/** A server whose logs the test reads afterwards. */
export interface Watched {
  readonly server: RunningServer
  readonly admin: Asserter
  readonly secrets: Secrets
  readonly domain: string
  /** Publishes the proof of the domain. Does nothing for a domain that needs no proof. */
  readonly prove: (name: string, value: string) => void
}

/** Makes a full run of calls that succeed. Returns the operator of these calls. */
export async function useRightly({ server, admin, secrets, domain, prove }: Watched): Promise<OperatorParty> {
  const client = protocolClient(server.baseUrl)
  const rootKeys = newKeys()
  const { id } = expectStatus(201, await client.registerOperator(domain, rootKeys))
  secrets.keepPrivateKey('root key', rootKeys.privateKey)
  const operator = { id: String(id), domain, ...secrets.recorded(operatorAsserter(rootKeys, String(id), ISSUER)) }
  const { txt_record_name, txt_record_value } = expectStatus(200, await client.instructions(operator.id))
  prove(String(txt_record_name), String(txt_record_value))
  expect(expectStatus(200, await client.confirm(operator.id))).toMatchObject({ verified: true })
  await useOAuth(server.baseUrl, await useTokens(client, operator, secrets), secrets)
  await sendForUsers(server.baseUrl, secrets)
  await useAttestation(client, operator, secrets)
  for (const call of ['suspend', 'reinstate'])
    expectStatus(
      200,
      await client.signed('POST', `/v1/operators/${operator.id}/${call}`, null, secrets.recorded(admin)),
    )
  const { body } = await client.get(`/v1/operators/${operator.id}/audit`, operator)
  expect(JSON.stringify(body)).toContain('token.issue')
  return operator
}

async function useTokens(client: ProtocolClient, operator: OperatorParty, secrets: Secrets): Promise<AgentParty> {
  const agent = await activeAgent(client, operator)
  secrets.keepPrivateKey('agent key', agent.privateKey)
  for (let turn = 0; turn < 3; turn += 1) {
    const body = await signedChallenge(client, agent)
    const { token } = expectStatus(200, await client.token(body))
    secrets.keep(`challenge signature ${turn}`, body.signature)
    secrets.keepJws('token', String(token))
    expectStatus(200, await client.verify(token))
    expectStatus(200, await (turn === 0 ? client.revokeToken(token) : client.verify(token)))
    expectStatus(409, await client.token(body))
  }
  return agent
}

/** Gets, introspects and revokes a bound token over OAuth, and repeats each request, which is refused. */
async function useOAuth(baseUrl: string, agent: AgentParty, secrets: Secrets): Promise<void> {
  const keys = newKeys()
  secrets.keepPrivateKey('DPoP key', keys.privateKey)
  const send = async (path: string, parameters: Readonly<Record<string, string>>, statuses: readonly number[]) => {
    const form = new URLSearchParams({ ...parameters, ...clientAssertion(agent, ISSUER) })
    secrets.keepJws('client assertion', form.get('client_assertion') ?? '')
    const dpop = dpopProof(keys, `${ISSUER}${path}`)
    secrets.keepJws('DPoP proof', dpop)
    const headers = { 'content-type': 'application/x-www-form-urlencoded', dpop }
    const answers: Json[] = []
    for (const expected of statuses) {
      const answer = await fetch(baseUrl + path, { method: 'POST', headers, body: form })
      expect(answer.status).toBe(expected)
      answers.push((await answer.json()) as Json)
    }
    return answers[0] ?? {}
  }
  const { access_token: token } = await send('/oauth/token', { grant_type: 'client_credentials' }, [200, 400])
  secrets.keepJws('bound token', String(token))
  expect(await send('/oauth/introspect', { token: String(token) }, [200, 401])).toMatchObject({ active: true })
  await send('/oauth/revoke', { token: String(token) }, [200, 400])
}

/** Sends codes and refresh tokens of a client, which this server has not given to it. */
async function sendForUsers(baseUrl: string, secrets: Secrets): Promise<void> {
  const secret = (name: string) => {
    const text = randomBytes(48).toString('base64url')
    secrets.keep(name, text)
    return text
  }
  const byCode = { code: secret('code'), code_verifier: secret('code verifier') }
  const redirect = { redirect_uri: 'https://client.example/callback' }
  const forms = [
    { grant_type: 'authorization_code', ...byCode, ...redirect },
    { grant_type: 'refresh_token', refresh_token: `a4r_${secret('refresh token')}` },
  ]
  for (const form of forms) {
    const body = new URLSearchParams({ client_id: 'https://client.example/client.json', ...form })
    expect((await fetch(`${baseUrl}/oauth/token`, { method: 'POST', body })).status).toBe(400)
  }
}

/** Enrols an agent with a join token, lets it attest with another one, and repeats both calls, which are refused. */
async function useAttestation(client: ProtocolClient, operator: OperatorParty, secrets: Secrets): Promise<void> {
  const policy = attestationPolicy(client, operator)
  await policy.putAttestor('tokens', 'join-token', {})
  await policy.putRule('joined', { all_of: ['tokens'], label: '{tokens.label}', max_agents: 10 })
  const joinToken = async (name: string) => {
    const path = `/v1/operators/${operator.id}/attestors/tokens/join-tokens`
    const { secret } = expectStatus(201, await client.signed('POST', path, { label: name }, operator))
    const evidence = Buffer.from(String(secret))
    secrets.keep(`join token ${name}`, evidence.toString())
    secrets.keepBytes(`join token ${name}, as evidence,`, evidence)
    secrets.keepBytes(`join token ${name}, as bytes,`, Buffer.from(evidence.toString(), 'base64url'))
    return evidence
  }
  const [agent, stranger] = [newAgentParty(operator.domain), newAgentParty(operator.domain)]
  const workloads = attesting(client, operator.id)
  const [first, second, third] = [await joinToken('first'), await joinToken('second'), await joinToken('third')]
  expectStatus(201, await workloads.enrol(agent, { tokens: first }))
  expectStatus(403, await workloads.enrol(stranger, { tokens: first }))
  expectStatus(200, await workloads.attest(agent, { tokens: second }))
  expectStatus(403, await workloads.attest(agent, { tokens: second }))
  const tried = { attestation: { evidence: [{ attestor: 'tokens', evidence: third.toString('base64') }] } }
  expect(expectStatus(200, await policy.dryRun(tried))).toMatchObject({ chosen_rule: 'joined' })
}

/** Sends secrets in places where they do not belong. Returns the id of one of these requests. */
export async function misplace({ server, secrets }: Watched, operator: OperatorParty): Promise<string> {
  const client = protocolClient(server.baseUrl)
  const token = secrets.any('token')
  const joinToken = secrets.any('join token')
  const assertion = operator.assert('GET /nowhere')
  const misplaced = [
    client.send('GET', `/v1/agent/${token}`),
    client.send('GET', `/v1/operators/${token}?access_token=${token}`),
    client.send('GET', `/${token}`),
    client.send('POST', '/v1/verify', token),
    client.send('POST', '/v1/verify', `{"token":"${token}"`),
    client.send('POST', '/v1/verify', `{"token":["${token}"]}`),
    client.send('POST', '/v1/challenge', JSON.stringify({ did: token, scope: token, audience: token, ttl: token })),
    client.send('POST', '/v1/attest/nonce', JSON.stringify({ purpose: joinToken, operator_id: joinToken })),
    client.send('POST', '/v1/attest', JSON.stringify({ did: joinToken, attestation: { nonce: joinToken } })),
    client.send('POST', '/v1/attest', `{"attestation":{"evidence":["${joinToken}"]}}`),
    client.send('POST', '/v1/revoke/token', JSON.stringify({ jti: token, reason: token })),
    client.send('GET', `/v1/operators/${operator.id}/policy`, undefined, assertion),
    client.send('GET', `/v1/operators/${operator.id}/policy`, undefined, `Basic ${token}`),
    client.send('GET', `/v1/operators/${operator.id}/policy`, undefined, `Bearer ${token}`),
  ]
  for (const { status } of await Promise.all(misplaced)) {
    expect(status === 200 || (status >= 400 && status < 500)).toBe(true)
  }
  const stubs = stubsOf(server.grpcAddress)
  const method = 'auth4agent.v1.IdentityService/SuspendAgent'
  const request = { operatorId: operator.id, agent: token, reason: token }
  expect(await stubs.call(method, request, operator.assert('another/Call'))).toMatchObject({ ok: false })
  stubs.close()
  const requestId = `marker-${randomUUID()}`
  await fetch(`${server.baseUrl}/v1/agent/did:agent:${operator.domain}:0`, { headers: { 'x-request-id': requestId } })
  return requestId
}

/** Expects that the logs describe the run and contain none of the secrets. */
export function expectNoSecrets(logs: string, requestId: string, secrets: Secrets): void {
  expect(logs).toContain(requestId)
  for (const rpc of ['AuthnService/IssueToken', 'AuthnService/VerifyToken', 'IdentityService/SuspendAgent'])
    expect(logs).toContain(rpc)
  expect(secrets.size).toBeGreaterThan(30)
  expect(secrets.foundIn(logs)).toEqual([])
}
