import { describe, expect, it } from 'vitest'
import { NOBODY } from './cases/valid-requests.ts'
import { sendHttp } from './support/http.ts'
import { published } from './support/published-reasons.ts'
import { assertionOf } from './support/refusal.ts'
import { useWorld } from './support/run-cases.ts'

const world = useWorld()
const SERVICE = '/auth4agent.v1.OperatorRegistryService'

/** Makes a call over the Connect protocol, and expects that the call changes only the audit of refusals. */
async function call(
  path: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  verb = 'POST',
) {
  const before = await world().snapshot('connect')
  const answer = await sendHttp(world().server.baseUrl, {
    verb,
    path,
    body,
    headers: { 'content-type': 'application/json', 'x-request-id': 'connect', ...headers },
  })
  expect((await world().snapshot('connect')).tables).toEqual(before.tables)
  return answer
}

/** Reads the reason in google.rpc.ErrorInfo of a Connect error. */
function reasonOf(text: string): string | undefined {
  const { details = [] } = JSON.parse(text) as {
    details?: { type: string; debug?: { reason?: string }; value: string }[]
  }
  const info = details.find(({ type }) => type === 'google.rpc.ErrorInfo')
  return info === undefined ? undefined : /^\n.([A-Z_]+)/s.exec(Buffer.from(info.value, 'base64').toString())?.[1]
}

describe('a refused call over Connect', () => {
  it.each([
    ['an unknown operator', 'GetOperator', JSON.stringify({ id: NOBODY }), 'OPERATOR_NOT_FOUND', 'not_found'],
    ['a domain that is a public suffix', 'RegisterOperator', '{"domain":"com"}', 'INVALID_DOMAIN', 'invalid_argument'],
    ['no assertion', 'EndAllTokens', JSON.stringify({ id: NOBODY }), 'UNAUTHENTICATED', 'unauthenticated'],
    ['an unknown member', 'GetOperator', '{"ids":["x"]}', 'UNKNOWN_FIELD', 'invalid_argument'],
    ['a nested unknown member', 'SetOperatorPolicy', '{"policy":{"audience":[]}}', 'UNKNOWN_FIELD', 'invalid_argument'],
    ['a query', 'GetOperator?id=x', '{}', 'UNKNOWN_FIELD', 'invalid_argument'],
    ['a NUL character', 'GetOperator', String.raw`{"id":"\u0000"}`, 'INVALID_ARGUMENT', 'invalid_argument'],
  ] as const)('gets its reason and its code: %s', async (_, method, body, reason, code) => {
    const { status, text } = await call(`${SERVICE}/${method}`, body)
    expect(JSON.parse(text)).toMatchObject({ code })
    expect(reasonOf(text)).toBe(reason)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(published[reason][0]).toBeLessThan(500)
  })

  it('gets the name of its unknown field, in protobuf and in gRPC-Web', async () => {
    const bytes = Uint8Array.of(0xa0, 0x06, 0x01)
    const proto = await call(`${SERVICE}/GetOperator`, bytes, { 'content-type': 'application/proto' })
    expect(reasonOf(proto.text)).toBe('UNKNOWN_FIELD')
    const framed = Uint8Array.of(0, 0, 0, 0, bytes.length, ...bytes)
    const web = await call(`${SERVICE}/GetOperator`, framed, { 'content-type': 'application/grpc-web+proto' })
    expect(decodeURIComponent(web.text)).toMatch(/grpc-message: ?Unknown field number 100 in auth4agent.v1.GetOperator/)
  })

  it('gets PERMISSION_DENIED when another operator signed the assertion', async () => {
    const { operators } = world()
    const authorization = assertionOf(operators.bravo, `${SERVICE.slice(1)}/EndAllTokens`)
    const { text } = await call(`${SERVICE}/EndAllTokens`, JSON.stringify({ id: operators.acme.id }), { authorization })
    expect(reasonOf(text)).toBe('PERMISSION_DENIED')
  })

  it('gets INVALID_ASSERTION when the assertion names the REST path', async () => {
    const { operators } = world()
    const authorization = assertionOf(operators.acme, `POST /v1/operators/${operators.acme.id}/end-all-tokens`)
    const { text } = await call(`${SERVICE}/EndAllTokens`, JSON.stringify({ id: operators.acme.id }), { authorization })
    expect(reasonOf(text)).toBe('INVALID_ASSERTION')
  })
})

describe('a malformed call over Connect', () => {
  it.each([
    ['JSON that ends inside an object', '{', {}],
    ['an array', '[]', {}],
    ['a number in place of a string', '{"id":7}', {}],
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0xff), {}],
    ['a body of one byte more than 64 KiB', `{"x":"${'a'.repeat(65_536)}"}`, {}],
    ['a message that ends too early', Uint8Array.of(0x0a, 0x7f), { 'content-type': 'application/proto' }],
    ['bytes that are not gzip', Uint8Array.of(1, 2, 3), { 'content-encoding': 'gzip' }],
    ['an unknown type', '{}', { 'content-type': 'text/plain' }],
    ['an envelope that ends too early', Uint8Array.of(0, 0, 0), { 'content-type': 'application/grpc-web+proto' }],
    ['a timeout that is not a number', '{}', { 'connect-timeout-ms': 'soon' }],
    ['another protocol version', '{}', { 'connect-protocol-version': '9' }],
  ] as const)('is refused with a text that shows no internals of the server: %s', async (_, body, headers) => {
    const { status, text } = await call(`${SERVICE}/GetOperator`, body, headers)
    expect(status).toBeLessThan(500)
    expect(text).not.toMatch(/node_modules|\bat \w+ \(/)
    // A gRPC-Web answer has its status in the body. Status 13 is INTERNAL and status 2 is UNKNOWN.
    expect(text).not.toMatch(/grpc-status: ?(13|2)\r/)
  })

  it('gets the code unimplemented for an unknown content coding', async () => {
    const { status, text } = await call(`${SERVICE}/GetOperator`, '{}', { 'content-encoding': 'x' })
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 501, code: 'unimplemented' })
  })

  it.each(['Nope', '__proto__', 'getOperator', ''])(
    'gets the code unimplemented for the method "%s"',
    async (method) => {
      const { status, text } = await call(`${SERVICE}/${method}`, '{}')
      expect({ status, code: JSON.parse(text).code }).toEqual({ status: 404, code: 'unimplemented' })
    },
  )

  it('gets 405 when its verb is GET', async () => {
    const { status } = await call(`${SERVICE}/GetOperator?message={}&encoding=json`, '', {}, 'GET')
    expect(status).toBe(405)
  })
})
