import { createHash } from 'node:crypto'
import { operatorId } from '@auth4agent/core/identity/operator-id'
import { recordValue } from '@auth4agent/core/identity/proof-record'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { KeysService } from '../../../gen/proto/auth4agent/v1/keys_pb.ts'
import { OperatorKeyService } from '../../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { http } from '../../../gen/proto/google/api/annotations_pb.ts'
import { authnPolicies } from '../../../services/authn/policy.ts'
import { type AssertionRules, checkAssertion, parseAssertion } from '../../../services/calls/assertion.ts'
import { requestBody } from '../../../services/calls/request-body.ts'
import { policies as identityPolicies } from '../../../services/identity/policy.ts'
import { keysPolicies } from '../../../services/keys/policy.ts'
import { keyPolicies, policies as registryPolicies } from '../../../services/operator-registry/policy.ts'
import { revocationPolicies } from '../../../services/revocation/policy.ts'
import { createAdministrator } from './administrator.ts'
import { generatePrivateKey } from './node/index.ts'
import { createOperator } from './operator.ts'

const SERVER = 'https://auth.example'
const DID = 'did:agent:example.com:21fe31dfa154a261626bf854046fd227'
const NOW_S = 1_800_000_000
const now = () => NOW_S * 1000
const { signer: key } = generatePrivateKey()
const SUBJECT = { issuer: SERVER, thumbprint: thumbprint(key.publicKey) }
const ID = operatorId({ ...SUBJECT, domain: 'example.com' })
const OTHER_ID = 'aaaaaaaa-1111-8111-8111-111111111111'
const RECORD = recordValue({ ...SUBJECT, operatorId: ID })

/** One request that a client made. */
interface Sent {
  readonly method: string
  readonly url: URL
  readonly authorization: string | null
  readonly body: unknown
  /** The bytes of the body as text; empty without a body. */
  readonly text: string
}

const AGENT = { id: ID, did: DID, status: 'active' }
const KEY = { kid: 'k', alg: 'EdDSA', state: 'active' }
/** The server's answer, which fits every shape. */
const ANSWER = {
  ...AGENT,
  ...KEY,
  domain: 'example.com',
  txt_record_name: '_auth4agents.example.com',
  txt_record_value: RECORD,
  message: 'm',
  verified: true,
  released_at: 't',
  epoch: 2,
  ended_at: 't',
  agent_did: DID,
  updated: true,
  allowed_scopes: [],
  suspended_at: 't',
  reactivated_at: 't',
  reinstated_at: 't',
  revoked_at: 't',
  compromised_at: 't',
  jti: 'j',
  minimum_epoch: 2,
  audiences: [{ audience: 'a', callers: [] }],
  require_bound_challenges: false,
  seq: 0,
  manifest: '',
  threshold: 1,
  root_keys: [{ kid: SUBJECT.thumbprint, label: '' }],
  record: { id: ID, at: 't', actor: 'a', action: 'x', subject: 's', outcome: 'done' },
  signed_request: { rpc: 'GET /', signatures: [], body: '', body_digest: 'd' },
  active: [KEY],
  retiring: [],
  keys: [KEY],
  key: KEY,
}

/** A server that records its requests. */
function recorder(answer: (sent: Sent) => Response = () => Response.json(ANSWER)) {
  const sent: Sent[] = []
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const text = typeof init?.body === 'string' ? init.body : ''
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const one = {
      method: request.method,
      url: new URL(request.url),
      authorization: request.headers.get('authorization'),
      body,
      text,
    }
    sent.push(one)
    return Promise.resolve(answer(one))
  }
  return { sent, fetch }
}

function check({ method, url, authorization, text }: Sent, rules: Partial<AssertionRules> = {}) {
  const rpc = `${method} ${url.pathname}`
  const body = requestBody(() => Buffer.from(text))
  const all = { issuer: SERVER, nowS: NOW_S, skewS: 10, rpc, mustNameRpc: true, body, ...rules }
  const assertion = parseAssertion(authorization ?? '')
  return { ...checkAssertion(assertion, key.publicKey, all), iss: assertion.iss }
}

const takeAll = async (list: AsyncIterable<unknown>) => {
  const all = []
  for await (const item of list) all.push(item)
  return all
}

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
  ...governed(KeysService, keysPolicies),
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

const record = (id: string) => ({ id, at: 't', actor: 'a', action: 'x', subject: 's', outcome: 'done' })

describe('lists of an operator', () => {
  it('request page after page with the same filters, each with its own assertion', async () => {
    const { sent, fetch } = recorder(({ url }) => {
      const page = url.searchParams.get('page_token')
      const next = page === null ? 'n+1' : page === 'n+1' ? 'n+2' : undefined
      const headers = next && { link: `<https://evil.example/x?page_token=${encodeURIComponent(next)}>; rel="next"` }
      return Response.json([record(page ?? 'first')], headers === undefined ? {} : { headers })
    })
    const operator = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    const ids = (await takeAll(operator.audit({ action: 'x', pageSize: 1 }))).map((item) => item)
    expect(ids).toEqual([record('first'), record('n+1'), record('n+2')])
    expect(sent.map(({ url }) => url.search)).toEqual([
      '?action=x&page_size=1',
      '?action=x&page_size=1&page_token=n%2B1',
      '?action=x&page_size=1&page_token=n%2B2',
    ])
    expect(sent.every(({ url }) => url.host === 'auth.example')).toBe(true)
    expect(new Set(sent.map((call) => check(call).jti)).size).toBe(3)
  })

  it('request a page only when it is needed', async () => {
    const headers = { link: `</x?page_token=n>; rel="next"` }
    const { sent, fetch } = recorder(() => Response.json([record('1')], { headers }))
    const operator = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    for await (const _ of operator.audit()) break
    expect(sent.length).toBe(1)
  })

  it('end when a server names the same page again', async () => {
    const headers = { link: `</x?page_token=n>; rel="next"` }
    const { sent, fetch } = recorder(() => Response.json([AGENT], { headers }))
    const { agents } = createOperator({ server: SERVER, operatorId: ID, key, fetch, now })
    expect((await takeAll(agents.list({ status: 'pending' }))).length).toBe(2)
    expect(sent.map(({ url }) => url.search)).toEqual(['?status=pending', '?status=pending&page_token=n'])
  })
})

describe('verification.instructions', () => {
  const { signer: other } = generatePrivateKey()
  const others = thumbprint(other.publicKey)
  const instructions = (told: object) => {
    const { fetch } = recorder(() => Response.json({ ...ANSWER, ...told }))
    return createOperator({ server: SERVER, operatorId: ID, key, fetch }).verification.instructions()
  }

  it.each([
    ['its record', RECORD],
    ['its record with unknown tags', `${RECORD}; x=1`],
  ])('resolves with %s', async (_name, txt_record_value) => {
    expect(await instructions({ txt_record_value })).toMatchObject({ txt_record_value })
  })

  it.each([
    [
      'a record of another server',
      { txt_record_value: RECORD.replace(SERVER, 'https://other.example') },
      'ISSUER_MISMATCH',
    ],
    [
      'a record of this server and another',
      { txt_record_value: `${RECORD}; iss=https://other.example` },
      'ISSUER_MISMATCH',
    ],
    ['a text that is not a record', { txt_record_value: 'x' }, 'ISSUER_MISMATCH'],
    ['a record of another key', { txt_record_value: RECORD.replace(SUBJECT.thumbprint, others) }, 'UNEXPECTED_ANSWER'],
    ['a record of another operator', { txt_record_value: RECORD.replace(ID, OTHER_ID) }, 'UNEXPECTED_ANSWER'],
    ['a record at another name', { txt_record_name: '_auth4agents.other.example' }, 'UNEXPECTED_ANSWER'],
    [
      'a record of another domain',
      { domain: 'other.example', txt_record_name: '_auth4agents.other.example' },
      'UNEXPECTED_ANSWER',
    ],
  ])('rejects %s', async (_name, told, reason) => {
    await expect(instructions(told)).rejects.toMatchObject({ reason })
  })
})
