import { randomUUID } from 'node:crypto'
import { create, type DescMethodUnary, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { type GrpcCaller, grpcCaller, grpcPath } from '../../contract/support/grpc.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import {
  approveBy,
  assertBy,
  ed25519Key,
  manifestBy,
  p256Key,
  type SignedFor,
  type Team,
  type TeamKey,
} from '../../support/operator-team.ts'
import { newAgentParty } from '../../support/parties.ts'
import { expectStatus } from '../../support/story.ts'

const DOMAIN = 'team.example.com'
const RECORD = `_auth4agents.${DOMAIN}`

const alice = ed25519Key('alice')
const bob = ed25519Key('bob')
const carol = ed25519Key('carol')
const pipeline = p256Key('pipeline')

let deployment: Deployment
let grpc: readonly GrpcCaller[]
let id: string
let seq = 0

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2, env: { AUTH4AGENT_DNS_TIMEOUT: '1s' } })
  grpc = deployment.servers.map(({ grpcAddress }) => grpcCaller(grpcAddress))
})
afterAll(async () => {
  for (const caller of grpc) caller.close()
  await deployment?.stop()
})

const nowS = () => Math.floor(Date.now() / 1000)
const callOf = (rpc: string, body: Uint8Array): SignedFor => ({
  operatorId: id,
  issuer: ISSUER,
  nowS: nowS(),
  rpc,
  body,
})

/** Sends a request over REST to a server. `approvers` are further root keys that approve it. */
async function rest(
  at: number,
  verb: string,
  path: string,
  body: object | undefined,
  by: TeamKey,
  approvers: readonly TeamKey[] = [],
) {
  const text = body === undefined ? '' : JSON.stringify(body)
  const call = callOf(`${verb} ${path}`, Buffer.from(text))
  const response = await fetch(`${deployment.servers[at]?.baseUrl}${path}`, {
    method: verb,
    headers: {
      authorization: assertBy(by, call),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(approvers.length > 0 && { 'auth4agent-approval': approvers.map((key) => approveBy(key, call)).join(', ') }),
    },
    ...(body !== undefined && { body: text }),
  })
  const answer = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body: answer }
}

/** Calls a method over gRPC at a server. Returns `OK` or the reason of the refusal. */
async function rpc<I extends DescMethodUnary>(
  at: number,
  method: I,
  fields: MessageInitShape<I['input']>,
  by: TeamKey,
  approvers: readonly TeamKey[] = [],
): Promise<string> {
  const message = toBinary(method.input, create(method.input, fields))
  const path = grpcPath(method)
  const call = callOf(path.slice(1), message)
  const answer = await grpc[at]?.call(path, message, {
    authorization: assertBy(by, call),
    ...(approvers.length > 0 && { 'auth4agent-approval': approvers.map((key) => approveBy(key, call)) }),
  })
  if (answer?.message === undefined) return answer?.reason ?? 'no answer'
  fromBinary(method.output, answer.message)
  return 'OK'
}

/** Calls a method over Connect at a server. Returns `OK` or the reason of the refusal. */
async function connect(
  at: number,
  method: DescMethodUnary,
  request: object,
  by: TeamKey,
  approvers: readonly TeamKey[],
) {
  const text = JSON.stringify(request)
  const path = grpcPath(method)
  const call = callOf(path.slice(1), Buffer.from(text))
  const response = await fetch(`${deployment.servers[at]?.baseUrl}${path}`, {
    method: 'POST',
    headers: {
      authorization: assertBy(by, call),
      'content-type': 'application/json',
      'auth4agent-approval': approvers.map((key) => approveBy(key, call)).join(','),
    },
    body: text,
  })
  if (response.ok) return 'OK'
  const { details } = (await response.json()) as { details?: { debug?: { reason?: string } }[] }
  return details?.[0]?.debug?.reason ?? String(response.status)
}

const nextManifest = (signer: typeof alice, team: Pick<Team, 'roots' | 'threshold' | 'members'>) =>
  manifestBy(signer, { operatorId: id, issuer: ISSUER, nowS: nowS(), seq: seq + 1, ...team })
const publish = (kid: string) => deployment.dns.setTxt(RECORD, [`v=a4a1; iss=${ISSUER}; op=${id}; rk=${kid}`])
const members = [{ key: pipeline, roles: ['agents.register'] }] as const
const keysPath = () => `/v1/operators/${id}/keys`
const register = (at: number) => {
  const { did, publicKey } = newAgentParty(DOMAIN)
  const body = { did, agent_public_key: publicKey, operator_id: id }
  return rest(at, 'POST', `/v1/operators/${id}/agents`, body, pipeline)
}

it('1. Alice proves the domain with her root key alone', async () => {
  const { client } = deployment
  const keys = { publicKey: Buffer.from(alice.publicKey) } as never
  id = String(expectStatus(201, await client.registerOperator(DOMAIN, keys)).id)
  publish(alice.kid)
  expect(expectStatus(200, await client.confirm(id))).toMatchObject({ verified: true })
})

it('2. she makes Bob a second root key, and both must agree from now on', async () => {
  const manifest = await nextManifest(alice, { roots: [alice, bob], threshold: 2, members })
  const answer = expectStatus(200, await rest(0, 'PUT', keysPath(), { manifest }, alice))
  expect(answer).toEqual({ id, seq: 1, threshold: 2 })
  seq = 1
  const read = expectStatus(200, await rest(1, 'GET', keysPath(), undefined, pipeline))
  expect(read).toMatchObject({ seq: 1, manifest, threshold: 2, root_keys: [{ label: 'alice' }, { label: 'bob' }] })
  expect(read['keys']).toMatchObject([{ kid: pipeline.kid, label: 'pipeline', kty: 'EC', roles: ['agents.register'] }])
})

it('3. the pipeline registers active agents at every server, and may do nothing else', async () => {
  for (const at of [0, 1]) {
    const { did } = expectStatus(201, await register(at))
    const body = { did, allowed_scopes: ['read'] }
    const refused = await rest(at, 'PATCH', `/v1/operators/${id}/agents/scopes`, body, pipeline)
    expect(refused).toMatchObject({ status: 403, body: { reason: 'ROLE_REQUIRED' } })
    expectStatus(200, await rest(at, 'PATCH', `/v1/operators/${id}/agents/scopes`, body, bob))
  }
})

it('4. one root key alone cannot change the keys, over any transport', async () => {
  const manifest = await nextManifest(alice, { roots: [alice], threshold: 1 })
  const { setOperatorKeys } = OperatorKeyService.method
  for (const at of [0, 1]) {
    expect(await rest(at, 'PUT', keysPath(), { manifest }, alice)).toMatchObject({
      status: 403,
      body: { reason: 'APPROVALS_REQUIRED' },
    })
    expect(await rpc(at, setOperatorKeys, { id, manifest }, alice)).toBe('APPROVALS_REQUIRED')
    expect(await rpc(at, setOperatorKeys, { id, manifest }, alice, [carol])).toBe('INVALID_APPROVAL')
    expect(await connect(at, setOperatorKeys, { id, manifest }, alice, [pipeline])).toBe('INVALID_APPROVAL')
  }
})

it('5. together they remove the pipeline, which is refused at once at every server', async () => {
  const manifest = await nextManifest(alice, { roots: [alice, bob], threshold: 2 })
  expectStatus(200, await rest(0, 'PUT', keysPath(), { manifest }, alice, [bob]))
  seq = 2
  for (const at of [0, 1]) {
    expect(await register(at)).toMatchObject({ status: 401, body: { reason: 'INVALID_ASSERTION' } })
    const { listAgents } = IdentityService.method
    expect(await rpc(at, listAgents, { operatorId: id }, pipeline)).toBe('INVALID_ASSERTION')
    expect(await rpc(at, listAgents, { operatorId: id }, bob)).toBe('OK')
  }
})

it('6. Carol takes over the root key of Alice, which DNS must name before', async () => {
  const manifest = await nextManifest(bob, { roots: [bob, carol], threshold: 2, members })
  const { setOperatorKeys } = OperatorKeyService.method
  expect(await rpc(1, setOperatorKeys, { id, manifest }, bob, [alice])).toBe('ROOT_RECORD_MISMATCH')
  publish(carol.kid)
  expect(await rpc(1, setOperatorKeys, { id, manifest }, bob, [alice])).toBe('OK')
  seq = 3
  expect(expectStatus(200, await deployment.client.getOperator(id))).toMatchObject({ root_key_thumbprint: carol.kid })
  expect(await rest(0, 'GET', keysPath(), undefined, alice)).toMatchObject({ status: 401 })
  expect(expectStatus(200, await deployment.client.confirm(id))).toMatchObject({ verified: true })
})

it('7. a record that names a foreign key freezes every change at every server that does not take authority away', async () => {
  const agents = [expectStatus(201, await register(0)), expectStatus(201, await register(1))].map(({ did }) =>
    String(did),
  )
  publish(alice.kid)
  const seen = expectStatus(200, await deployment.client.confirm(id))
  expect(seen).toMatchObject({ verified: false, reason: 'TXT_RECORD_MISMATCH' })
  for (const at of [0, 1]) {
    expect(await register(at)).toMatchObject({ status: 403, body: { reason: 'OPERATOR_FROZEN' } })
    const { reactivateAgent, suspendAgent, revokeAgent } = IdentityService.method
    const asked = { operatorId: id, agent: agents[at] ?? '' }
    expect(await rpc(at, suspendAgent, asked, carol)).toBe('OK')
    expect(await rpc(at, reactivateAgent, asked, carol)).toBe('OPERATOR_FROZEN')
    expect(await rpc(at, revokeAgent, asked, carol)).toBe('OK')
    expect(await rpc(at, OperatorRegistryService.method.endAllTokens, { id }, carol)).toBe('OK')
    expectStatus(200, await rest(at, 'POST', '/v1/revoke/token', { jti: randomUUID() }, carol))
  }
  const shown = expectStatus(200, await deployment.client.getOperator(id))
  expect(shown).toMatchObject({ status: 'active', frozen_at: expect.any(String) })
  publish(carol.kid)
  expect(expectStatus(200, await deployment.client.confirm(id))).toMatchObject({ verified: true })
  expect(expectStatus(200, await deployment.client.getOperator(id))).not.toHaveProperty('frozen_at')
  expectStatus(201, await register(1))
})

it('8. both root keys release the domain over Connect, once', async () => {
  const { releaseDomain } = OperatorRegistryService.method
  const request = { id, reason: randomUUID() }
  expect(await connect(0, releaseDomain, request, carol, [])).toBe('INVALID_APPROVAL')
  expect(await connect(0, releaseDomain, request, carol, [bob])).toBe('OK')
  expect(await connect(1, releaseDomain, request, carol, [bob])).toBe('OPERATOR_NOT_ACTIVE')
})
