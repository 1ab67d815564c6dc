import { createHash } from 'node:crypto'
import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { DeploymentService } from '../../../gen/proto/auth4agent/v1/deployment_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { PeopleService } from '../../../gen/proto/auth4agent/v1/people_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { http } from '../../../gen/proto/google/api/annotations_pb.ts'
import { authnPolicies } from '../../../services/authn/policy.ts'
import { parseAssertion } from '../../../services/calls/assertion.ts'
import { deploymentPolicies } from '../../../services/deployment/policy.ts'
import { policies as identityPolicies } from '../../../services/identity/policy.ts'
import { keysPolicies } from '../../../services/keys/policy.ts'
import { keyPolicies, policies as registryPolicies } from '../../../services/operator-registry/policy.ts'
import { peoplePolicies } from '../../../services/people/policy.ts'
import { revocationPolicies } from '../../../services/revocation/policy.ts'
import { check, DID, ID, key, now, recorder, SERVER, takeAll } from '../../../test/support/sdk/recorded-operator.ts'
import { createAdministrator } from './administrator.ts'
import { createOperator } from './operator.ts'

/** Calls every method of both clients once. */
async function callAll(fetch: typeof globalThis.fetch) {
  const operator = createOperator({ server: SERVER, domain: 'example.com', operatorId: ID, key, fetch, now })
  await operator.register()
  await operator.status()
  await operator.verification.instructions()
  await operator.verification.confirm()
  await operator.policy.get()
  await operator.policy.set({ audiences: [] })
  await operator.keys.set(await operator.keys.get())
  await operator.keys.listRequests().catch(() => undefined)
  await operator.keys.dropRequest('kid')
  await operator.providers.put('work', { issuer: 'https://idp.example', client_id: 'a' }).catch(() => undefined)
  await operator.providers.list().catch(() => undefined)
  await operator.providers.remove('work').catch(() => undefined)
  await takeAll(operator.users.list()).catch(() => undefined)
  await operator.users.disable('user:a', 'why').catch(() => undefined)
  await operator.users.enable('user:a').catch(() => undefined)
  await operator.users.remove('user:a').catch(() => undefined)
  await takeAll(operator.clients.list()).catch(() => undefined)
  await operator.clients.allow('https://client.example/client.json').catch(() => undefined)
  await operator.clients.block('https://client.example/client.json').catch(() => undefined)
  await takeAll(operator.consents.list()).catch(() => undefined)
  await operator.consents.withdraw(ID).catch(() => undefined)
  await operator.consents.endConnection(ID).catch(() => undefined)
  await operator.audit.get(ID)
  await operator.endAllTokens('why')
  await operator.release('why')
  await operator.revokeToken('j', 'why')
  await operator.revokeGrant('a~b', 'why')
  const { agents } = operator
  await agents.get(DID)
  await agents.register({ publicKey: key.publicKey })
  await agents.approve(DID)
  await agents.setScopes(DID, ['read'])
  await agents.update(ID, { label: 'one' })
  await agents.suspend(DID, 'why')
  await agents.reactivate(DID)
  await agents.revoke(DID)
  await takeAll(agents.list()).catch(() => undefined)
  await takeAll(operator.audit()).catch(() => undefined)
  const administrator = createAdministrator({ server: SERVER, key, fetch, now })
  await administrator.operators.suspend(ID, 'why')
  await administrator.operators.reinstate(ID)
  await administrator.keys.list()
  await administrator.keys.rotate()
  await administrator.keys.compromise('k')
  await administrator.keys.import('PEM')
  await administrator.deployment.processes().catch(() => undefined)
  await administrator.deployment.contractSchema('why').catch(() => undefined)
  await administrator.endAllTokens('why')
}

/** Returns the REST binding of a method in the proto files. */
function bindingOf(method: DescMethod): { verb: string; path: RegExp } | undefined {
  const { pattern } = getOption(method, http)
  if (!hasOption(method, http) || typeof pattern.value !== 'string') return undefined
  const path = new RegExp(`^${pattern.value.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
  return { verb: pattern.case.toUpperCase(), path }
}

/** Returns the methods that an operator or an administrator may call, each with its policy line. */
function governed(
  service: DescService,
  policies: Readonly<Record<string, { callers: readonly string[]; action?: string }>>,
) {
  return service.methods.flatMap((method) => {
    const line = policies[method.localName]
    if (line === undefined) throw new Error(`There is no policy for ${method.name}`)
    return line.callers.some((caller) => caller !== 'anyone') ? [{ method, line }] : []
  })
}

const all = [
  ...governed(OperatorRegistryService, registryPolicies),
  ...governed(OperatorKeyService, keyPolicies),
  ...governed(IdentityService, identityPolicies),
  ...governed(AuthnService, authnPolicies),
  ...governed(PeopleService, peoplePolicies),
  ...governed(KeysService, keysPolicies),
  ...governed(DeploymentService, deploymentPolicies),
  ...governed(RevocationService, revocationPolicies),
]
/** Methods that the verifier's package calls, and the SDK does not. */
const ELSEWHERE = new Set(['WatchRevocations'])

describe('createOperator and createAdministrator', () => {
  it('have a method for every call that a policy allows them, each with its own assertion', async () => {
    const { sent, fetch } = recorder()
    await callAll(fetch)
    expect(all.length).toBeGreaterThan(20)
    for (const { method, line } of all) {
      if (ELSEWHERE.has(method.name)) continue
      const binding = bindingOf(method)
      const calls = sent.filter(({ method: verb, url }) => verb === binding?.verb && binding.path.test(url.pathname))
      // Some path templates match the paths of others: `scopes` could be an agent.
      const call = calls.find((one) => one.authorization !== null)
      expect(call, method.name).toBeDefined()
      if (call !== undefined) expect(check(call).iss).toBe(line.callers.includes('admin') ? 'admin' : ID)
    }
    const jtis = sent.filter(({ authorization }) => authorization !== null).map((call) => check(call).jti)
    expect(new Set(jtis).size).toBe(jtis.length)
  })

  it('name in each assertion the digest of the body that is sent, or of no bytes', async () => {
    const { sent, fetch } = recorder()
    await callAll(fetch)
    const asserted = sent.filter(({ authorization }) => authorization !== null)
    expect(asserted.some(({ text }) => text !== '') && asserted.some(({ text }) => text === '')).toBe(true)
    for (const { method, url, authorization, text } of asserted) {
      const { body } = parseAssertion(authorization ?? '').jws.payload
      const digest = createHash('sha256').update(text).digest('base64url')
      expect(body, `${method} ${url.pathname}`).toBe(digest)
    }
  })

  it('assert names a digest only for a body that is given, which may be empty', async () => {
    const operator = createOperator({ server: SERVER, operatorId: ID, key, now })
    const administrator = createAdministrator({ server: SERVER, key, now })
    for (const party of [operator, administrator]) {
      const digestOf = async (body?: Uint8Array | string) =>
        parseAssertion(`Bearer ${await party.assert('POST /v1/x', body)}`).jws.payload.body
      expect(await digestOf(Uint8Array.of(1))).toBe('S_USLzRFVMU73i67jNK349FgCtYxw4Wl18ziPHeFRZo')
      expect(await digestOf('')).toBe('47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
      expect(await digestOf()).toBeUndefined()
    }
  })

  it('sign assertions for the value of the option issuer, with the path as it is sent', async () => {
    const { sent, fetch } = recorder()
    const operator = createOperator({
      server: 'http://127.0.0.1:9/auth/',
      issuer: SERVER,
      operatorId: ID,
      key,
      fetch,
      now,
    })
    await operator.agents.approve(DID)
    const [call] = sent
    if (call === undefined) throw new Error('No call was sent')
    expect(call.url.pathname).toBe(`/auth/v1/operators/${ID}/agents/${DID}/approve`)
    expect(check(call, { issuer: SERVER })).toMatchObject({ iss: ID })
  })

  it('revokeGrant sends the chain with an assertion, because the chain alone must not be enough', async () => {
    const { sent, fetch } = recorder()
    await createOperator({ server: SERVER, operatorId: ID, key, fetch, now }).revokeGrant('a~b', 'why')
    const [call] = sent
    expect(call).toMatchObject({ method: 'POST', body: { token: 'a~b', reason: 'why' } })
    expect(call?.url.pathname).toBe('/v1/revoke/token')
    expect(call && check(call).iss).toBe(ID)
  })

  it("sign assertions for the server's address by default, and do not ask the server for its issuer", async () => {
    const { sent, fetch } = recorder()
    await createOperator({ server: `${SERVER}/`, operatorId: ID, key, fetch, now }).policy.get()
    expect(sent.map(({ url }) => url.pathname)).toEqual([`/v1/operators/${ID}/policy`])
  })

  it('derive the operator id from issuer, domain and key', async () => {
    const { id } = createOperator({ server: SERVER, domain: 'example.com', key })
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/)
    expect(createOperator({ server: SERVER, domain: 'example.org', key }).id).not.toBe(id)
    expect(createOperator({ server: 'https://other.example', issuer: SERVER, domain: 'example.com', key }).id).toBe(id)
  })

  it.each(['..', '.', '', 'a/b', `${DID}/../x`, `${DID}?x`, ID.toUpperCase(), 'did:web:example.com'])(
    'refuse %j as an agent, because the path would not be the one in the assertion',
    async (agent) => {
      const { sent, fetch } = recorder()
      const { agents } = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
      for (const verb of ['get', 'approve', 'suspend', 'revoke', 'reactivate'] as const) {
        await expect(agents[verb](agent)).rejects.toThrow(TypeError)
      }
      await expect(agents.setScopes(agent, [])).rejects.toThrow(TypeError)
      await expect(agents.update(agent, {})).rejects.toThrow(TypeError)
      expect(sent).toEqual([])
    },
  )

  it('throw TypeError for invalid ids and insecure addresses', async () => {
    expect(() => createOperator({ server: SERVER, operatorId: '..', key })).toThrow(TypeError)
    expect(() => createOperator({ server: SERVER, key })).toThrow(TypeError)
    expect(() => createOperator({ server: 'http://auth.example', operatorId: ID, key })).toThrow(TypeError)
    const administrator = createAdministrator({ server: SERVER, key })
    await expect(administrator.operators.suspend('..')).rejects.toThrow(TypeError)
    await expect(administrator.keys.compromise('../x')).rejects.toThrow(TypeError)
  })

  it('reject answers of the wrong shape with UNEXPECTED_ANSWER', async () => {
    const { fetch } = recorder(() => Response.json({ id: 1 }))
    const operator = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    await expect(operator.status()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    await expect(takeAll(operator.audit())).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    await expect(operator.policy.get()).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
  })
})
