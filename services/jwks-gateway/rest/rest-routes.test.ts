import { describe, expect, it } from 'vitest'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { rawExchange, startGateway } from '../../../test/support/gateway.ts'

const did = 'did:agent:example.com:0123456789abcdef0123456789abcdef'

type Body = string | Buffer<ArrayBuffer> | null

async function post(url: string, body: Body, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
}

function patch(body: string): RequestInit {
  return { method: 'PATCH', body, headers: { 'content-type': 'application/json' } }
}

describe('restRoutes', () => {
  it('answer a call with all fields and with the status that the proto file defines', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(OperatorRegistryService.method.registerOperator, ({ domain }) => ({
      id: 'o',
      domain,
      status: 'pending',
    }))
    const answer = await post(`${url}/v1/operators`, '{"domain":"example.com","root_public_key":"AAA"}')
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toStrictEqual({ id: 'o', domain: 'example.com', status: 'pending' })
    expect(rpc.last().request).toMatchObject({ domain: 'example.com', rootPublicKey: Buffer.from([0, 0]) })
  })

  it.each([
    ['an empty body', ''],
    ['null', 'null'],
    ['no body', null],
    ['an object', '{}'],
  ])('read %s as an empty object', async (_name, body) => {
    const { url, rpc } = await startGateway()
    expect((await post(`${url}/v1/operators/verify/o1`, body)).status).toBe(200)
    expect(rpc.last().request).toMatchObject({ id: 'o1' })
  })

  it.each([
    ['with its colons', did],
    ['percent-encoded', encodeURIComponent(did)],
    ['very long', `did:agent:${'a'.repeat(5000)}:x`],
  ])('accept a DID in the path %s', async (_name, path) => {
    const { url, rpc } = await startGateway()
    expect((await fetch(`${url}/v1/agent/${path}`)).status).toBe(200)
    expect(rpc.last().request).toMatchObject({ did: decodeURIComponent(path) })
  })

  it('match literal segments before fields', async () => {
    const { url, rpc } = await startGateway()
    await fetch(`${url}/v1/operators/o1/agents/scopes`, patch('{"did":"d"}'))
    expect(rpc.last().method).toBe(IdentityService.method.setAgentScopes)
    await fetch(`${url}/v1/operators/o1/agents/a1`, patch('{"label":"l"}'))
    expect(rpc.last().method).toBe(IdentityService.method.updateAgent)
    expect(rpc.last().request).toMatchObject({ operatorId: 'o1', agent: 'a1', label: 'l' })
  })

  it('read the body as the field that the proto file names, and answer with one field', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(OperatorRegistryService.method.setOperatorPolicy, ({ policy }) =>
      policy === undefined ? {} : { policy },
    )
    const body = '{"require_bound_challenges":true}'
    const answer = await fetch(`${url}/v1/operators/o1/policy`, {
      method: 'PUT',
      body,
      headers: { 'content-type': 'application/json' },
    })
    expect(await answer.json()).toStrictEqual({
      audiences: [],
      require_bound_challenges: true,
      require_body_digest: false,
      hide_allowed_scopes: false,
      delegate_to: [],
      max_grant_ttl: 0,
      users_to: [],
      etag: '',
    })
    expect(rpc.last().request).toMatchObject({ id: 'o1', policy: { requireBoundChallenges: true } })
  })

  it('refuse a body that differs from the path, and accept one that repeats it', async () => {
    const { url, rpc } = await startGateway()
    expect((await post(`${url}/v1/operators/o1/agents`, '{"operator_id":"o1"}')).status).toBe(201)
    const refused = await post(`${url}/v1/operators/o1/agents`, '{"operator_id":"o2"}')
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      reason: 'INVALID_ARGUMENT',
      detail: 'operator_id must be the same in path and body',
    })
    expect(rpc.calls).toHaveLength(1)
  })

  it('pass request id, source, authorization and path to the pipeline', async () => {
    const { url, rpc } = await startGateway()
    const headers = { authorization: 'Bearer x', 'x-request-id': 'req-1', 'x-forwarded-for': '9.9.9.9' }
    const answer = await post(`${url}/v1/operators/o%31/release?`, '{}', headers)
    expect(rpc.last().meta).toMatchObject({
      requestId: 'req-1',
      source: '127.0.0.1',
      authorization: 'Bearer x',
      rpc: 'POST /v1/operators/o%31/release',
    })
    expect(answer.headers.get('x-request-id')).toBe('req-1')
  })

  it('replace a request id that could forge a log line', async () => {
    const { url, rpc } = await startGateway()
    const answer = await post(`${url}/v1/challenge`, '{}', { 'x-request-id': 'a b"}' })
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(rpc.last().meta.requestId).toBe(answer.headers.get('x-request-id'))
  })

  it('accept the absolute form of a request target', async () => {
    const { port, rpc } = await startGateway()
    await rawExchange(
      port,
      'GET http://evil.example/v1/agent/d HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n',
    )
    expect(rpc.last().request).toMatchObject({ did: 'd' })
    expect(rpc.last().meta.rpc).toBe('GET /v1/agent/d')
  })

  it('answer HEAD like GET, but without a body', async () => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/v1/agent/d`, { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(0)
    expect(await answer.text()).toBe('')
  })
})

describe('query parameters', () => {
  it('may have snake_case or lowerCamel names, and are converted to the types of their fields', async () => {
    const { url, rpc } = await startGateway()
    await fetch(`${url}/v1/operators/o1/audit?page_size=7&pageToken=a%2Bb+c&since=2026-01-15T10:30:00Z&&id=o1`)
    expect(rpc.last().request).toMatchObject({
      id: 'o1',
      pageSize: 7,
      pageToken: 'a+b c',
      since: { seconds: 1768473000n },
    })
  })

  it.each([
    ['a scalar given twice', 'page_size=1&page_size=2', 'page_size must not occur more than once in the query'],
    [
      'a scalar given in both spellings',
      'page_size=1&pageSize=1',
      'page_size must not occur more than once in the query',
    ],
    ['text for a number', 'page_size=ten', 'page_size must be an integer of 32 bits'],
    ['a number out of range', 'page_size=2147483648', 'page_size must be an integer of 32 bits'],
    ['another value than the path has', 'id=o2', 'id must be the same in path and query'],
    ['malformed percent-encoding', 'action=%zz', 'The query contains malformed percent-encoding'],
  ])('answer 400 for %s', async (_name, query, detail) => {
    const { url, rpc } = await startGateway()
    const answer = await fetch(`${url}/v1/operators/o1/audit?${query}`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ reason: 'INVALID_ARGUMENT', detail })
    expect(rpc.calls).toHaveLength(0)
  })
})

describe('an unknown query parameter', () => {
  it.each([
    ['GET', '/v1/operators/o1/audit?subjects=x', '"subjects": the nearest known one is "subject"'],
    [
      'GET',
      '/v1/operators/o1/audit?outcome=done&Limit=1',
      '"Limit": the known ones are "id", "page_size", "page_token"',
    ],
    ['GET', '/v1/operators/o1/audit?=1', 'Unknown query parameter: the known ones are'],
    ['GET', '/v1/revocations?after=7', '"after": the nearest known one is "after_sequence"'],
    ['PUT', '/v1/operators/o1/policy?policy=x', '"policy": the known ones are "id"'],
    ['POST', '/v1/operators/o1/release?reason=x', '"reason": the known ones are "id"'],
    ['POST', '/v1/challenge?did=x', '"did": this call accepts none'],
  ])('in %s %s is refused, and the error names a known one', async (method, path, detail) => {
    const { url, rpc } = await startGateway()
    const answer = await fetch(url + path, { method })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ reason: 'UNKNOWN_FIELD', detail: expect.stringContaining(detail) })
    expect(rpc.calls).toHaveLength(0)
  })
})

describe('nextPageLink', () => {
  it("names the next page below the issuer's URL, and ignores the Host header", async () => {
    const { url, rpc } = await startGateway({ baseUrl: 'https://auth.example/a4a' })
    rpc.answer(IdentityService.method.listAgents, () => ({ agents: [{ id: '1' }], nextPageToken: 'n+1' }))
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    for (const prefix of ['', '/a4a']) {
      const answer = await fetch(`${url}${prefix}/v1/operators/o1/agents?status=active&page_token=old`, { headers })
      expect(answer.headers.get('link')).toBe(
        '<https://auth.example/a4a/v1/operators/o1/agents?status=active&page_token=n%2B1>; rel="next"',
      )
      expect(await answer.json()).toMatchObject([{ id: '1' }])
    }
  })

  it('replaces a pageToken of the query by the new page_token', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(IdentityService.method.listAgents, () => ({ nextPageToken: 'new' }))
    const answer = await fetch(`${url}/v1/operators/o1/agents?pageToken=old`)
    expect(answer.headers.get('link')).toBe('<http://localhost:8080/v1/operators/o1/agents?page_token=new>; rel="next"')
  })

  it('is not called for the last page, whose answer has no Link header', async () => {
    const { url } = await startGateway()
    const answer = await fetch(`${url}/v1/operators/o1/agents`)
    expect(answer.headers.get('link')).toBeNull()
    expect(await answer.text()).toBe('[]')
  })
})
