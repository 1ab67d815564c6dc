import { beforeAll, describe, expect, it } from 'vitest'
import type { ReasonCode } from '../../services/platform/errors/reasons.ts'
import { NOBODY } from './cases/valid-requests.ts'
import { methods, restForm } from './support/contract.ts'
import { expectFederationError, expectOAuthError, expectProblem } from './support/expect-error.ts'
import { type HttpAnswer, sendHttp } from './support/http.ts'
import { expectNoErrorLines, useWorld } from './support/run-cases.ts'

const world = useWorld()

let before: Awaited<ReturnType<ReturnType<typeof world>['snapshot']>>
beforeAll(async () => {
  before = await world().snapshot('')
})

/** Sends a request that must not reach an RPC that changes something. */
function send(verb: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return sendHttp(world().server.baseUrl, { verb, path, headers })
}

/** Expects an error in the form of its path: of RFC 6749 below /oauth/, and a problem document elsewhere. */
function expectError(answer: HttpAnswer, path: string, reason: ReasonCode): void {
  if (/^\/federation\/|^\/\.well-known\/openid-federation/.test(path)) expectFederationError(answer, reason)
  else if (path.startsWith('/oauth/')) expectOAuthError(answer, reason, { path })
  else expectProblem(answer, reason)
}

describe('an unknown path', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/nope'],
    ['GET', '/v1'],
    ['GET', '/v1/'],
    ['POST', '/v1/challenge/'],
    ['POST', '//v1/challenge'],
    ['POST', '/v1//challenge'],
    ['POST', '/V1/challenge'],
    ['POST', '/v1/challenge%2f'],
    ['POST', '/v1/challenge%00'],
    ['POST', '/v1/challenge;x=1'],
    ['POST', '/v1/x/../challenge'],
    ['POST', '/v1/x/%2e%2e/challenge'],
    ['POST', '/../v1/challenge'],
    ['POST', `/v1/operators/${NOBODY}/agents/a/b/suspend`],
    ['GET', `/v1/operators/${NOBODY}/`],
    ['GET', '/v1/agent/a/b'],
    ['GET', '/.well-known/jwks.json/'],
    ['GET', '/.well-known/openid-configuration/'],
    ['GET', '/.well-known/openid-configurations'],
    ['GET', '/oauth'],
    ['POST', '/oauth/'],
    ['POST', '/oauth/nope'],
    ['POST', '/oauth/token/'],
    ['POST', '/oauth/Token'],
    ['POST', '/OAUTH/TOKEN'],
    ['POST', '/oauth//token'],
    ['GET', '/federation'],
    ['GET', '/federation/'],
    ['GET', '/federation/fetch/'],
    ['GET', '/.well-known/openid-federation/'],
    ['GET', '/.well-known/openid-federation/federation'],
    ['GET', '/.well-known'],
    ['GET', '/__proto__'],
    ['GET', '/constructor'],
    ['GET', `/${'a'.repeat(10_000)}`],
    ['POST', '/auth4agent.internal.v1.OperatorDirectoryService/LookupOperator'],
    ['POST', '/auth4agent.internal.v1.AgentDirectoryService/LookupAgent'],
    ['POST', '/auth4agent.internal.v1.TokenStatusService/CheckToken'],
    ['GET', '/package.json'],
    ['GET', '/.git/config'],
    ['GET', '/..%2f..%2fetc%2fpasswd'],
  ])('gets ROUTE_NOT_FOUND: %s %s', async (verb, path) => {
    expectError(await send(verb, path), path, 'ROUTE_NOT_FOUND')
  })
})

describe('a path with a malformed escape', () => {
  it.each([
    '/%',
    '\\v1\\challenge',
    '/v1/%zz',
    '/v1/operators/%',
    '/v1/operators/%4',
    '/v1/agent/%ff',
    '/v1/agent/%C0%AF',
    '/%E0%80%AF',
  ])('gets INVALID_ARGUMENT: %s', async (path) => {
    expectProblem(await send('GET', path), 'INVALID_ARGUMENT')
  })
})

describe('an unknown name in a path', () => {
  it.each([
    ['/v1/operators/__proto__', 'OPERATOR_NOT_FOUND'],
    ['/v1/operators/..', 'OPERATOR_NOT_FOUND'],
    ['/v1/operators/%2e%2e', 'OPERATOR_NOT_FOUND'],
    ['/v1/operators/verify', 'OPERATOR_NOT_FOUND'],
    ['/v1/operators/verify/', 'OPERATOR_NOT_FOUND'],
    ['/v1/operators//agents', 'UNAUTHENTICATED'],
    ['/v1/agent/', 'INVALID_DID'],
    ['/v1/operators/verify/constructor', 'OPERATOR_NOT_FOUND'],
    ['/v1/agent/..', 'INVALID_DID'],
    ['/v1/agent/a%2Fb', 'INVALID_DID'],
    ['/v1/agent/hasOwnProperty', 'INVALID_DID'],
    ['/v1/agent/%20', 'INVALID_DID'],
    ['/v1/agent/%00', 'INVALID_ARGUMENT'],
    [`/v1/agent/${'a'.repeat(12_000)}`, 'INVALID_DID'],
  ] as const)('%s gets %s', async (path, reason) => {
    expectProblem(await send('GET', path), reason)
  })
})

describe('a path whose last name is empty', () => {
  it('accepts the same verbs as the path with a name', async () => {
    const answer = await send('POST', `/v1/operators/${NOBODY}/agents/`)
    expectProblem(answer, 'METHOD_NOT_ALLOWED')
    expect(answer.headers.allow).toContain('PATCH')
  })
})

/** Every path of the contract with a name in each variable, and its verbs. */
const forms = methods.map(restForm)
const taken = [...new Set(forms.map(({ template }) => template))].map((template) => {
  const path = template.replaceAll(/\{\w+\}/g, NOBODY)
  const matches = (other: string) => new RegExp(`^${other.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)
  const verbs = new Set(forms.filter((form) => matches(form.template)).map(({ verb }) => verb))
  return { path, verbs: [...verbs] }
})
const VERBS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']

describe('a verb that a path does not accept', () => {
  const wrong = taken.flatMap(({ path, verbs }) =>
    VERBS.filter((verb) => !verbs.includes(verb) && !(verb === 'HEAD' && verbs.includes('GET')))
      .filter((verb) => verb !== 'OPTIONS' || !/^\/(v1\/agent\/[^/]+$|v1\/status-lists|1\.0\/|\.well-known)/.test(path))
      .map((verb) => ({ verb, path, verbs })),
  )
  it.each(wrong)('gets METHOD_NOT_ALLOWED: $verb $path', async ({ verb, path, verbs }) => {
    const answer = await send(verb, path)
    expect(answer.status).toBe(405)
    expect(answer.headers.allow?.split(', ')).toEqual(expect.arrayContaining(verbs))
    expect(answer.headers.allow?.split(', ')).not.toContain(verb)
    // An answer to HEAD has no body.
    if (verb !== 'HEAD') expectError(answer, path, 'METHOD_NOT_ALLOWED')
  })
})

describe('HEAD', () => {
  it.each(taken.filter(({ verbs }) => verbs.includes('GET')).map(({ path }) => path))(
    'answers like GET, without a body, for %s',
    async (path) => {
      const [get, head] = [await send('GET', path), await send('HEAD', path)]
      expect({ status: head.status, type: head.headers['content-type'], text: head.text }).toEqual({
        status: get.status,
        type: get.headers['content-type'],
        text: '',
      })
    },
  )
})

describe('a CORS preflight', () => {
  it.each(['/.well-known/auth4agent', '/.well-known/jwks.json', '/v1/agent/x'])(
    'is granted for reading %s',
    async (path) => {
      const { status, headers } = await send('OPTIONS', path)
      expect(status).toBe(204)
      expect(headers['access-control-allow-methods']).toBe('GET, HEAD, OPTIONS')
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    },
  )
})

describe('headers about the host', () => {
  const SPOOFS = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-prefix': '/evil',
    forwarded: 'for=203.0.113.9;host=evil.example;proto=https',
    'x-original-url': '/evil',
    'x-rewrite-url': '/evil',
    'x-http-method-override': 'DELETE',
  }
  it.each(['/.well-known/auth4agent', '/.well-known/jwks.json'])('change nothing in %s', async (path) => {
    const [plain, spoofed] = [await send('GET', path), await send('GET', path, SPOOFS)]
    expect(spoofed.text).toBe(plain.text)
    expect(spoofed.text).not.toContain('evil')
  })

  it('change nothing in the instructions for the proof', async () => {
    const { operators, issuer } = world()
    const { text } = await send('GET', `/v1/operators/verify/${operators.pending.id}`, SPOOFS)
    expect(JSON.parse(text)).toMatchObject({ txt_record_value: expect.stringContaining(`iss=${issuer};`) })
  })
})

it('no request of this file changed anything', async () => {
  expect(await world().snapshot('')).toEqual(before)
})

expectNoErrorLines(world)
