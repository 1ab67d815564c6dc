import { describe, expect, it } from 'vitest'
import { fakeRpc } from '../../test/support/fake-rpc.ts'
import { rawExchange, startGateway } from '../../test/support/gateway.ts'
import type { Rpc } from '../calls/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'

const REFUSED: [string, string, string][] = [
  [
    'an unknown expectation',
    'GET /health HTTP/1.1\r\nhost: x\r\nexpect: x\r\nconnection: close\r\n\r\n',
    'Expect must be 100-continue',
  ],
  [
    'an HTTP/1.1 request without Host',
    'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n',
    'An HTTP/1.1 request must have a Host header',
  ],
  [
    'CONNECT',
    'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n',
    'This server does not support the method CONNECT',
  ],
  ['input that is not HTTP', '\x16\x03\x01\x02\x00\x01\x00', 'The request is malformed'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'The request is malformed'],
]

const twice = (name: string, first: string, second: string): [string, string, string] => [
  `two headers ${name}, also if the first one is good`,
  `GET /.well-known/jwks.json HTTP/1.1\r\n${name === 'host' ? '' : 'host: x\r\n'}${name}: ${first}\r\n${name.toUpperCase()}: ${second}\r\nconnection: close\r\n\r\n`,
  `The header ${name} must not be sent more than once`,
]
REFUSED.push(
  twice('host', 'x', 'y'),
  twice('authorization', 'Bearer a', 'Bearer b'),
  twice('content-type', 'application/json', 'text/plain'),
  twice('idempotency-key', 'a', 'b'),
  [
    'two headers authorization of Connect',
    'POST /auth4agent.v1.IdentityService/ListAgents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\r\nAuthorization: Bearer b\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
    'The header authorization must not be sent more than once',
  ],
)

describe('the HTTP port', () => {
  it.each(REFUSED)('refuses %s through the pipeline with a problem document', async (_name, request, detail) => {
    const { port, rpc } = await startGateway()
    const answer = await rawExchange(port, request)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toContain('HTTP/1.1 400 Bad Request')
    expect(head).toContain('content-type: application/problem+json')
    expect(head).toContain("content-security-policy: default-src 'none'")
    expect(JSON.parse(body)).toMatchObject({ status: 400, reason: 'INVALID_ARGUMENT', detail })
    expect(rpc.refused).toStrictEqual([{ reason: 'INVALID_ARGUMENT', rpc: 'none', source: '127.0.0.1' }])
    expect(rpc.calls).toHaveLength(0)
  })

  it.each(REFUSED)('answers 429 to %s after too many requests from its source', async (_name, request) => {
    const limited = new ApiError('RATE_LIMITED', undefined, { retryAfter: 3 })
    const rpc: Rpc = { ...fakeRpc(), refuse: async () => limited }
    const { port } = await startGateway({}, { rpc })
    const answer = await rawExchange(port, request)
    expect(answer).toContain('HTTP/1.1 429 ')
    expect(answer).toContain('retry-after: 3')
  })

  it.each(['expect: 100-continue', 'Expect: 100-Continue'])('accepts the header %s', async (header) => {
    const { port } = await startGateway()
    const answer = await rawExchange(port, `GET /health HTTP/1.1\r\nhost: x\r\n${header}\r\nconnection: close\r\n\r\n`)
    expect(answer).toContain('HTTP/1.1 200 OK')
  })

  it('accepts an HTTP/1.0 request without Host', async () => {
    const { port } = await startGateway()
    expect(await rawExchange(port, 'GET /health HTTP/1.0\r\n\r\n')).toContain('HTTP/1.1 200 OK')
  })

  it.each(['websocket', 'h2c'])('ignores a request to upgrade to %s and answers in HTTP/1.1', async (to) => {
    const { port } = await startGateway()
    const headers = `host: x\r\nconnection: upgrade, close\r\nupgrade: ${to}`
    const answer = await rawExchange(port, `GET /health HTTP/1.1\r\n${headers}\r\n\r\n`)
    expect(answer).toContain('HTTP/1.1 200 OK')
    expect(answer).not.toContain('HTTP/1.1 101')
  })

  it('closes the connection when the pipeline cannot create a refusal', async () => {
    const rpc: Rpc = { ...fakeRpc(), refuse: () => Promise.reject(new Error('no refusal')) }
    const { port } = await startGateway({}, { rpc })
    expect(await rawExchange(port, 'nonsense\r\n\r\n')).toBe('')
  })
})
