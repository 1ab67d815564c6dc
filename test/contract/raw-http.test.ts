import { describe, expect, it } from 'vitest'
import type { ReasonCode } from '../../services/platform/errors/reasons.ts'
import { NOBODY } from './cases/valid-requests.ts'
import { sendHttp, sendRaw } from './support/http.ts'
import { assertionOf } from './support/refusal.ts'
import { expectNoErrorLines, useWorld } from './support/run-cases.ts'

const world = useWorld({ env: { AUTH4AGENT_REQUEST_TIMEOUT: '2s' } })

/** Sends bytes, and expects that the request changes nothing. Resolves with the answer. */
async function send(bytes: string | Uint8Array): Promise<{ status: number; reason: string | undefined; text: string }> {
  const before = await world().snapshot('')
  const text = await sendRaw(world().server.baseUrl, bytes)
  expect(await world().snapshot('')).toEqual(before)
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? []
  return { status: Number(status), reason: /"reason":"(\w+)"/.exec(text)?.[1], text }
}

const END = 'Connection: close\r\n\r\n'
const post = (headers: string, body = '{}') =>
  `POST /v1/challenge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}${END}${body}`
const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`

describe('a malformed HTTP request', () => {
  it.each<[string, string, ReasonCode]>([
    ['a text that is not HTTP', 'hello\r\n\r\n', 'INVALID_ARGUMENT'],
    ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'INVALID_ARGUMENT'],
    ['a verb in lower case', `get /health HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    ['an unknown verb', `FETCH /health HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    ['HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'INVALID_ARGUMENT'],
    ['a blank in the path', `GET /v1/a b HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    ['a NUL byte in the path', `GET /v1/\0 HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    ['a NUL byte in a header', `GET /health HTTP/1.1\r\nHost: x\r\nX-A: \0\r\n${END}`, 'INVALID_ARGUMENT'],
    ['a header without a colon', `GET /health HTTP/1.1\r\nHost: x\r\nX-A\r\n${END}`, 'INVALID_ARGUMENT'],
    ['a blank before the colon', `GET /health HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n${END}`, 'INVALID_ARGUMENT'],
    ['a negative length', post('Content-Length: -1\r\n'), 'INVALID_ARGUMENT'],
    ['a length in hex', post('Content-Length: 0x2\r\n'), 'INVALID_ARGUMENT'],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 3\r\n'), 'INVALID_ARGUMENT'],
    ['a length and chunks', post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n'), 'INVALID_ARGUMENT'],
    ['another transfer coding last', post('Transfer-Encoding: chunked, x\r\n'), 'INVALID_ARGUMENT'],
    ['a chunk without a size', post('Transfer-Encoding: chunked\r\n', 'zz\r\n{}\r\n0\r\n\r\n'), 'INVALID_ARGUMENT'],
    ['a path of 20 KB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n${END}`, 'HEADERS_TOO_LARGE'],
    ['20 KB of headers', `GET /health HTTP/1.1\r\nHost: x\r\n${'X-A: 1\r\n'.repeat(3000)}${END}`, 'HEADERS_TOO_LARGE'],
    [
      'chunks of more than 64 KiB',
      post('Transfer-Encoding: chunked\r\n', `${chunk('a'.repeat(40_000)).repeat(2)}0\r\n\r\n`),
      'BODY_TOO_LARGE',
    ],
    [
      'endless chunk extensions',
      post('Transfer-Encoding: chunked\r\n', `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
      'BODY_TOO_LARGE',
    ],
    ['a huge length', post('Content-Length: 99999999999\r\n'), 'BODY_TOO_LARGE'],
    ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n`, 'INVALID_ARGUMENT'],
    ['headers without an end', 'GET /health HTTP/1.1\r\nHost: x\r\n', 'REQUEST_TIMEOUT'],
    ['a body that does not arrive', post('Content-Length: 10\r\n'), 'REQUEST_TIMEOUT'],
  ])('is refused, and its connection is closed: %s', async (_, bytes, reason) => {
    const answer = await send(bytes)
    expect(answer.reason, answer.text).toBe(reason)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.text).toMatch(/content-type: application\/problem\+json/i)
    expect(answer.text).toMatch(/connection: close/i)
  })
})

describe('an HTTP request in an unusual form', () => {
  it.each([
    ['chunks', post('Transfer-Encoding: chunked\r\n', `${chunk('{')}${chunk('}')}0\r\n\r\n`), 'INVALID_DID'],
    [
      'chunks with a trailer',
      post('Transfer-Encoding: chunked\r\n', `${chunk('{}')}0\r\nX-A: 1\r\n\r\n`),
      'INVALID_DID',
    ],
    ['an expectation', post('Expect: 100-continue\r\nContent-Length: 2\r\n'), 'INVALID_DID'],
    [
      'an absolute target',
      `GET http://evil.example/v1/operators/${NOBODY} HTTP/1.1\r\nHost: x\r\n${END}`,
      'OPERATOR_NOT_FOUND',
    ],
    ['an asterisk', `OPTIONS * HTTP/1.1\r\nHost: x\r\n${END}`, 'ROUTE_NOT_FOUND'],
    ['HTTP/1.0', `GET /v1/operators/${NOBODY} HTTP/1.0\r\n\r\n`, 'OPERATOR_NOT_FOUND'],
    ['another expectation', post('Expect: x\r\nContent-Length: 2\r\n'), 'INVALID_ARGUMENT'],
    ['a fragment after the path', `GET /v1/operators/${NOBODY}#x HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    ['an empty fragment', `GET /health# HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    ['a fragment after the query', `GET /v1/status-lists?a=b#x HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    [
      'a fragment of an absolute target',
      `GET http://evil.example/health#/v1 HTTP/1.1\r\nHost: x\r\n${END}`,
      'INVALID_ARGUMENT',
    ],
    ['a fragment in an unknown path', `GET #/health HTTP/1.1\r\nHost: x\r\n${END}`, 'INVALID_ARGUMENT'],
    [
      'a fragment in a path of Connect',
      `POST /auth4agent.v1.AuthnService/VerifyToken#x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n${END}{}`,
      'INVALID_ARGUMENT',
    ],
    ['HTTP/1.1 without a host', `GET /health HTTP/1.1\r\n${END}`, 'INVALID_ARGUMENT'],
  ])('is answered with its reason: %s', async (_, bytes, reason) => {
    const answer = await send(bytes)
    expect(answer.text).toContain('HTTP/1.1 4')
    expect(answer.reason, answer.text).toBe(reason)
  })

  it('counts as one request when its body contains the text of a second request', async () => {
    const hidden = 'GET /v1/operators/x HTTP/1.1\r\nHost: x\r\n\r\n'
    const { text } = await send(post(`Content-Length: ${hidden.length}\r\n`, hidden))
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
  })
})

/** An assertion names the path that was sent. Headers and an absolute target do not change which path that is. */
describe('an assertion for a REST call', () => {
  it.each([
    ['an absolute target', 'http://evil.example', {}],
    ['headers that would rewrite it', '', { 'X-Original-URL': '/evil', 'X-HTTP-Method-Override': 'DELETE' }],
    ['another host', '', { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example' }],
  ])('is accepted when it names only the path of a request with %s', async (_, origin, headers) => {
    const { operators, server } = world()
    const path = `/v1/operators/${operators.acme.id}/agents/${NOBODY}/suspend`
    const authorization = assertionOf(operators.acme, `POST ${path}`)
    const answer = await sendHttp(server.baseUrl, {
      verb: 'POST',
      path: `${origin}${path}?agent=${NOBODY}`,
      headers: { ...headers, authorization },
    })
    expect(JSON.parse(answer.text)).toMatchObject({ reason: 'AGENT_NOT_FOUND' })
  })
})

expectNoErrorLines(world)
