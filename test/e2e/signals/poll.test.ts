import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { type AgentParty, clientAssertion } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, type KeyedOperator, provenOperator } from '../../support/story.ts'

/** A receiver of other people: it knows only the issuer, SSF 1.0, RFC 6749 and RFC 8936. */
interface Receiver {
  call(method: string, endpoint: string, body?: object): Promise<Called>
  token: string
}

interface Called {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly headers: Headers
}

let deployment: Deployment
let operator: KeyedOperator
let agent: AgentParty
let receiver: Receiver
let metadata: Record<string, string>
let stream: Record<string, unknown>
let streamId: string
let pollPath: string
let received: string[]

/** The path of an endpoint of the metadata. The issuer is only a name in tests. */
const pathOf = (endpoint: unknown): string => String(endpoint).replace(ISSUER, '')

async function tokenOf(party: AgentParty, scope: string): Promise<string> {
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope, ...clientAssertion(party, ISSUER) })
  const answer = await fetch(`${deployment.server.baseUrl}/oauth/token`, { method: 'POST', body: form })
  return String(Object(await answer.json()).access_token)
}

function receiverWith(token: string): Receiver {
  return {
    token,
    async call(method, endpoint, body) {
      const answer = await fetch(`${deployment.server.baseUrl}${endpoint}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) }
    },
  }
}

const poll = async (body: object = {}): Promise<{ sets: Record<string, string>; moreAvailable: boolean }> => {
  const { status, body: answer } = await receiver.call('POST', pollPath, { returnImmediately: true, ...body })
  expect(status).toBe(200)
  return answer as never
}

/** Verifies a token as SSF section 4 demands, and returns its claims. */
async function claimsOf(set: string): Promise<JWTPayload & { events: Record<string, object>; sub_id: unknown }> {
  const keys = createRemoteJWKSet(new URL(`${deployment.server.baseUrl}${pathOf(metadata['jwks_uri'])}`))
  const { payload } = await jwtVerify(set, keys, {
    issuer: ISSUER,
    audience: String(stream['aud']),
    typ: 'secevent+jwt',
    algorithms: ['RS256'],
  })
  return payload as never
}

beforeAll(async () => {
  deployment = await startDeployment()
  operator = await provenOperator(deployment.client, deployment.dns, 'receiver.example.com')
  agent = await activeAgent(deployment.client, operator, ['read', 'ssf.manage', 'ssf.read'])
  receiver = receiverWith(await tokenOf(agent, 'ssf.manage'))
})
afterAll(() => deployment?.stop())

it('1. the receiver finds the transmitter by its metadata', async () => {
  const { body } = await receiver.call('GET', '/.well-known/ssf-configuration')
  metadata = body as never
  expect(metadata).toMatchObject({ spec_version: '1_0', issuer: ISSUER, default_subjects: 'ALL' })
})

it('2. it creates a stream that it polls', async () => {
  const created = await receiver.call('POST', pathOf(metadata['configuration_endpoint']), { description: 'nightly' })
  expect(created).toMatchObject({ status: 201, body: { iss: ISSUER, description: 'nightly' } })
  stream = created.body
  streamId = String(stream['stream_id'])
  expect(stream['delivery']).toStrictEqual({
    method: 'urn:ietf:rfc:8936',
    endpoint_url: `${ISSUER}/ssf/streams/${streamId}/poll`,
  })
  pollPath = pathOf(Object(stream['delivery']).endpoint_url)
})

it('3. it reads the stream alone and in the list, exactly as it was created', async () => {
  const endpoint = pathOf(metadata['configuration_endpoint'])
  const reader = receiverWith(await tokenOf(agent, 'ssf.read'))
  expect((await reader.call('GET', `${endpoint}?stream_id=${streamId}`)).body).toStrictEqual(stream)
  expect((await reader.call('GET', endpoint)).body).toStrictEqual([stream])
})

it('4. it sees the verification event that it has asked for', async () => {
  const body = { stream_id: streamId, state: 'x1' }
  const asked = await receiver.call('POST', pathOf(metadata['verification_endpoint']), body)
  expect([asked.status, asked.body]).toStrictEqual([204, {}])
  const { sets } = await poll()
  const [set = ''] = Object.values(sets)
  expect(await claimsOf(set)).toMatchObject({
    sub_id: { format: 'opaque', id: streamId },
    events: { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x1' } },
  })
  expect(await poll({ ack: Object.keys(sets) })).toStrictEqual({ sets: {}, moreAvailable: false })
})

it('5. it gets every revocation once, in order, and again until it has acknowledged it', async () => {
  const jtis: string[] = []
  for (let count = 0; count < 3; count++) {
    const { token } = await issueToken(deployment.client, agent)
    jtis.push(String(Object(expectStatus(200, await deployment.client.revokeToken(token))).jti))
  }
  const first = await poll({ maxEvents: 2 })
  const again = await poll()
  expect([first.moreAvailable, Object.keys(again.sets).slice(0, 2)]).toStrictEqual([true, Object.keys(first.sets)])
  const subjects = await Promise.all(Object.values(again.sets).map(async (set) => (await claimsOf(set)).sub_id))
  expect(subjects).toStrictEqual(jtis.map((jti) => ({ format: 'jwt_id', iss: ISSUER, jti })))
  received = Object.keys(again.sets)
})

it('6. it may acknowledge out of order, repeat an acknowledgement, and name events that it never got', async () => {
  const [one = '', two = '', three = ''] = received
  expect(Object.keys((await poll({ ack: [two, 'never-sent'] })).sets)).toStrictEqual([one, three])
  expect(Object.keys((await poll({ ack: [two] })).sets)).toStrictEqual([one, three])
  expect((await poll({ ack: [three], setErrs: { [one]: { err: 'invalid_request' } } })).sets).toStrictEqual({})
})

it('7. a poll that waits is answered as soon as there is an event', async () => {
  const waiting = poll({ returnImmediately: false })
  const { token } = await issueToken(deployment.client, agent)
  await deployment.client.revokeToken(token)
  const { sets } = await waiting
  expect(Object.keys(sets)).toHaveLength(1)
  await poll({ ack: Object.keys(sets), maxEvents: 0 })
})

it('8. a paused stream holds its events, and delivers them when it is enabled', async () => {
  const setStatus = (status: string) =>
    receiver.call('POST', pathOf(metadata['status_endpoint']), { stream_id: streamId, status })
  expect((await setStatus('paused')).body).toStrictEqual({ stream_id: streamId, status: 'paused' })
  const { token } = await issueToken(deployment.client, agent)
  await deployment.client.revokeToken(token)
  expect((await poll()).sets).toStrictEqual({})
  await setStatus('enabled')
  const { sets } = await poll()
  expect(Object.keys(sets)).toHaveLength(1)
  await poll({ ack: Object.keys(sets), maxEvents: 0 })
})

it('9. another operator finds no such stream', async () => {
  const other = await provenOperator(deployment.client, deployment.dns, 'other.example.com')
  const spy = receiverWith(await tokenOf(await activeAgent(deployment.client, other, ['ssf.manage']), 'ssf.manage'))
  const endpoint = `${pathOf(metadata['configuration_endpoint'])}?stream_id=${streamId}`
  for (const [method, path, body] of [
    ['GET', endpoint],
    ['DELETE', endpoint],
    ['POST', pollPath, {}],
    ['POST', pathOf(metadata['status_endpoint']), { stream_id: streamId, status: 'paused' }],
  ] as const) {
    expect(await spy.call(method, path, body)).toMatchObject({ status: 404, body: { reason: 'STREAM_NOT_FOUND' } })
  }
})

it('10. a token without the scope is refused, and a revoked token at once', async () => {
  const reader = receiverWith(await tokenOf(agent, 'ssf.read'))
  const refused = await reader.call('POST', pollPath, {})
  expect(refused).toMatchObject({ status: 403, body: { reason: 'INSUFFICIENT_SCOPE' } })
  expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  await deployment.client.revokeToken(receiver.token)
  const ended = await receiver.call('POST', pollPath, {})
  expect(ended).toMatchObject({ status: 401, body: { reason: 'INVALID_ACCESS_TOKEN' } })
  expect(ended.headers.get('www-authenticate')).toContain('error="invalid_token"')
})

it('11. it deletes the stream', async () => {
  receiver = receiverWith(await tokenOf(agent, 'ssf.manage'))
  const endpoint = `${pathOf(metadata['configuration_endpoint'])}?stream_id=${streamId}`
  expect(await receiver.call('DELETE', endpoint)).toMatchObject({ status: 204, body: {} })
  expect(await receiver.call('GET', endpoint)).toMatchObject({ status: 404 })
  expect((await receiver.call('GET', pathOf(metadata['configuration_endpoint']))).body).toStrictEqual([])
})
