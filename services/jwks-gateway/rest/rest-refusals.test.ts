import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { fakeRpc } from '../../../test/support/fake-rpc.ts'
import { rawExchange, startGateway } from '../../../test/support/gateway.ts'
import type { Rpc } from '../../calls/rpc.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

type Body = string | Buffer<ArrayBuffer> | null

async function post(url: string, body: Body, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
}

describe('a refusal over REST', () => {
  it('is a problem document with the members that version 1 clients read', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new ApiError('SCOPE_NOT_ALLOWED', 'scope b is not granted')
    })
    const answer = await post(`${url}/v1/token`, '{}', { 'x-request-id': 'r' })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toStrictEqual({
      type: 'urn:auth4agent:reason:SCOPE_NOT_ALLOWED',
      title: "The scope is not within the agent's grant",
      status: 403,
      detail: 'scope b is not granted',
      reason: 'SCOPE_NOT_ALLOWED',
      error: 'scope not allowed',
      request_id: 'r',
    })
  })

  it('has the header Retry-After if the error has a waiting time, and WWW-Authenticate for 401', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new ApiError('RATE_LIMITED', undefined, { retryAfter: 1.2 })
    })
    rpc.answer(AuthnService.method.verifyToken, () => {
      throw new ApiError('UNAUTHENTICATED')
    })
    expect((await post(`${url}/v1/token`, '{}')).headers.get('retry-after')).toBe('2')
    const bare = await post(`${url}/v1/verify`, '{}')
    expect(bare.headers.get('www-authenticate')).toBe('Bearer realm="auth4agent"')
    const bearing = await post(`${url}/v1/verify`, '{}', { authorization: 'Bearer x' })
    expect(bearing.headers.get('www-authenticate')).toBe('Bearer realm="auth4agent", error="invalid_token"')
  })

  it('does not reveal the message of an internal error', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new Error('secret at /srv/app.ts:1')
    })
    const answer = await post(`${url}/v1/token`, '{}')
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('secret')
  })

  it('ends only its own connection if the pipeline fails to make the refusal', async () => {
    const { url, rpc } = await startGateway()
    const kept = rpc.refuse.bind(rpc)
    Object.assign(rpc, { refuse: () => Promise.reject(new Error('no refusal')) })
    const large = JSON.stringify({ did: 'a'.repeat(65_536) })
    await expect(post(`${url}/v1/challenge`, large)).rejects.toThrow('fetch failed')
    Object.assign(rpc, { refuse: kept })
    expect((await post(`${url}/v1/challenge`, large)).status).toBe(413)
  })

  it.each<[string, Body, Record<string, string>, number, string]>([
    ['bad JSON', '{"did":', {}, 400, 'INVALID_ARGUMENT'],
    ['two JSON values', '{} {}', {}, 400, 'INVALID_ARGUMENT'],
    ['an array', '[]', {}, 400, 'INVALID_ARGUMENT'],
    ['a string', '"x"', {}, 400, 'INVALID_ARGUMENT'],
    ['invalid UTF-8', Buffer.from('{"did":"\xff"}', 'latin1'), {}, 400, 'INVALID_ARGUMENT'],
    ['a NUL', '{"did":"a\\u0000"}', {}, 400, 'INVALID_ARGUMENT'],
    ['a lone surrogate', '{"did":"\\ud800"}', {}, 400, 'INVALID_ARGUMENT'],
    ['60,000 nested arrays', '['.repeat(60_000), {}, 400, 'INVALID_ARGUMENT'],
    ['a form', 'did=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['plain text', '{}', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'another content type with json in its name',
      '{}',
      { 'content-type': 'application/jsonp' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['another charset', '{}', { 'content-type': 'application/json; charset=utf-16' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a malformed content type', '{}', { 'content-type': 'nonsense' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a coded body', '{}', { 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a large body', `{"did":"${'a'.repeat(65_536)}"}`, {}, 413, 'BODY_TOO_LARGE'],
  ])('of %s has the right status and reason', async (_name, body, headers, status, reason) => {
    const { url, rpc } = await startGateway()
    const answer = await post(`${url}/v1/challenge`, body, headers)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ status, reason })
    expect(
      rpc.calls.filter(({ request }) => 'did' in request && request.did !== 'a\0' && request.did !== '\ud800'),
    ).toHaveLength(0)
    // The fake pipeline records a call whose text cannot be stored, and throws without recording a refusal.
    const isUnread = rpc.calls.length === 0
    expect(rpc.refused.map((refused) => refused.reason)).toStrictEqual(isUnread ? [reason] : [])
  })

  it.each(['text/plain', 'nonsense'])('of the content type %s names the content type to send', async (type) => {
    const { url } = await startGateway()
    const answer = await post(`${url}/v1/challenge`, '{}', { 'content-type': type })
    expect(await answer.json()).toMatchObject({
      detail: expect.stringContaining('send Content-Type: application/json'),
    })
  })

  it('is rate limited by the pipeline even if the request reaches no method of a service', async () => {
    const limited = new ApiError('RATE_LIMITED', undefined, { retryAfter: 3 })
    const rpc: Rpc = { ...fakeRpc(), refuse: async () => limited }
    const { url, port } = await startGateway({}, { rpc })
    for (const path of ['/nothing', '/v1/token', '/v1/agent/%zz']) {
      const answer = await fetch(url + path)
      expect([answer.status, answer.headers.get('retry-after')]).toStrictEqual([429, '3'])
    }
    expect(await rawExchange(port, 'nonsense\r\n\r\n')).toContain('HTTP/1.1 429 ')
  })

  it.each([
    ['any case and charset', 'Application/JSON; Charset="UTF-8"'],
    ['no charset', 'application/json'],
  ])('is not sent for JSON with %s', async (_name, type) => {
    const { url } = await startGateway()
    expect((await post(`${url}/v1/challenge`, '{}', { 'content-type': type })).status).toBe(200)
  })

  it('is not sent for JSON without a content type', async () => {
    const { port } = await startGateway()
    const request =
      'POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{"did":"d"}'
    expect(await rawExchange(port, request)).toContain('HTTP/1.1 200 OK')
  })
})

describe('a request without a route', () => {
  it.each([
    ['GET', '/v1/token', 405, 'METHOD_NOT_ALLOWED', 'POST'],
    ['DELETE', '/v1/agent/d', 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
    ['POST', '/v1/operators/o1/policy', 405, 'METHOD_NOT_ALLOWED', 'GET, PUT, HEAD'],
    ['PROPFIND', '/v1/token', 405, 'METHOD_NOT_ALLOWED', 'POST'],
    ['OPTIONS', '/v1/token', 405, 'METHOD_NOT_ALLOWED', 'POST'],
    ['POST', '/health', 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD'],
    ['GET', '/', 404, 'ROUTE_NOT_FOUND', null],
    ['POST', '/v1/token/', 404, 'ROUTE_NOT_FOUND', null],
    ['POST', '/V1/token', 404, 'ROUTE_NOT_FOUND', null],
    ['GET', '/v1/agent/a/b', 404, 'ROUTE_NOT_FOUND', null],
    ['GET', '/v1/agent/%zz', 400, 'INVALID_ARGUMENT', null],
    ['GET', '/v1/agent/%ff', 400, 'INVALID_ARGUMENT', null],
  ])('%s %s answers %i', async (method, path, status, reason, allow) => {
    const { url, rpc } = await startGateway()
    const body = method === 'POST' ? 'not json' : null
    const answer = await fetch(url + path, { method, body })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('allow')).toBe(allow)
    expect(await answer.json()).toMatchObject({ reason })
    expect(rpc.calls).toHaveLength(0)
    expect(rpc.refused).toStrictEqual([{ reason, rpc: 'none', source: '127.0.0.1' }])
  })
})
