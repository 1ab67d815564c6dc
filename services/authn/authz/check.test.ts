import { describe, expect, it } from 'vitest'
import { HeaderValueOption_HeaderAppendAction as Action } from '../../../gen/proto/envoy/config/core/v3/base_pb.ts'
import {
  AUDIENCE,
  askCheck,
  CLAIMS,
  ROUTE,
  raw,
  type Verify,
  withHeaders,
} from '../../../test/support/envoy/ask-check.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

describe('checkRequest', () => {
  it('verifies the token with the demands of the route, and tells the API about the caller', async () => {
    const answer = await askCheck({ ...withHeaders({ cookie: 'a' }) })
    expect(answer.seen).toMatchObject([
      { token: 'a.b.c', audience: [AUDIENCE], scope: 'read', dpopProof: '', httpUrl: '' },
    ])
    expect(answer).toMatchObject({ isAllowed: true, removed: ['x-auth4agent-actor'], outcomes: ['passed'] })
    expect(answer.actions).toEqual(new Set([Action.OVERWRITE_IF_EXISTS_OR_ADD]))
    expect(answer.headers).toEqual({
      'x-auth4agent-issuer': CLAIMS.iss,
      'x-auth4agent-subject': CLAIMS.sub,
      'x-auth4agent-operator': CLAIMS.operator_id,
      'x-auth4agent-domain': 'a.example',
      'x-auth4agent-scope': 'read write',
      'x-auth4agent-jti': 'jti-1',
      'x-auth4agent-expires': String(CLAIMS.exp),
    })
    const { epoch: _, ...told } = CLAIMS
    expect(answer.metadata).toEqual({ ...told, token_type: 'Bearer' })
  })

  it.each([
    ['Envoy', {}],
    ['the query', { path: '/orders?access=1&token=x&q=%41ccess' }],
    ['an empty segment', { path: '//orders/' }],
    ['dots in names', { path: '/..a/b../...' }],
    ['HTTP/2', { protocol: 'HTTP/2' }],
    ['HTTP/3', { protocol: 'HTTP/3' }],
    ['a scheme in another case', withHeaders({ authorization: 'bEARER  a.b.c' })],
    ['matching pseudo headers', withHeaders({ ':path': '/orders?page=1', ':method': 'GET', ':scheme': 'https' })],
    [
      'headers of Envoy that say nothing here',
      withHeaders({ 'x-envoy-original-path': '/other', 'x-envoy-internal': 'true' }),
    ],
    ['a raw list', raw(['authorization', 'Bearer a.b.c'], ['cookie', '\xff'])],
  ])('passes a request with what is usual: %s', async (_, http) => {
    expect(await askCheck(http)).toMatchObject({ isAllowed: true, seen: [{ token: 'a.b.c' }] })
  })

  it.each([
    ['the default port', { host: 'b.example:443' }, 'https://b.example:443/a'],
    ['another port', { host: 'b.example:8443' }, 'https://b.example:8443/a'],
    ['a trailing dot', { host: 'b.example.' }, 'https://b.example./a'],
  ])('checks a proof against method, scheme, host and path: %s', async (_, http, httpUrl) => {
    const bound = { headers: { authorization: 'DPoP a.b.c', dpop: 'p,q' }, path: '/a', method: 'POST' }
    const { seen } = await askCheck({ ...bound, ...http })
    expect(seen).toMatchObject([{ token: 'a.b.c', dpopProof: 'p,q', httpMethod: 'POST', httpUrl }])
  })

  it('refuses a bearer token where the route demands DPoP', async () => {
    const answer = await askCheck({}, { ...ROUTE, dpop: 'required' })
    expect(answer).toMatchObject({ status: 401, reason: 'PROOF_REQUIRED', seen: [] })
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP /)
  })

  const refusals: [string, number, RegExp | undefined][] = [
    [
      'TOKEN_REVOKED',
      401,
      /^Bearer .*error="invalid_token", scope="read", resource_metadata="https:\/\/b.example\/m"$/,
    ],
    ['PROOF_INVALID', 401, /^DPoP .*error="invalid_dpop_proof"/],
    ['SCOPE_MISSING', 403, /^Bearer .*error="insufficient_scope", scope="read"/],
    ['ISSUER_REVOCATIONS_STALE', 503, undefined],
    ['A_NEW_VERDICT', 401, /error="invalid_token"/],
  ]
  it.each(refusals)('refuses a token because of %s with %i', async (reason, status, challenge) => {
    const route = { ...ROUTE, resource_metadata: 'https://b.example/m' }
    const verify = async () => ({ valid: false, reason, revoked: false }) as Awaited<ReturnType<Verify>>
    const answer = await askCheck({}, route, verify)
    expect(answer).toMatchObject({ isDenied: true, isAllowed: false, status, reason })
    if (challenge === undefined) expect(answer.headers).toMatchObject({ 'retry-after': '1' })
    else expect(answer.headers['www-authenticate']).toMatch(challenge)
  })

  it.each([
    'x-auth4agent-subject',
    'x_auth4agent_subject',
    'x-auth4agent_new',
    'x.auth4agent.jti',
    'X-AUTH4AGENT-Actor',
  ])('lets the API never see the header %s of a client', async (name) => {
    const { headers, removed } = await askCheck(withHeaders({ [name]: 'x' }))
    const [set, gone] = [Object.keys(headers), name.toLowerCase()]
    // Envoy removes after it sets, so a name in both lists would be missing.
    expect(set.filter((each) => removed.includes(each))).toEqual([])
    expect([...set, ...removed]).toContain(gone)
    expect(Object.values(headers)).not.toContain('x')
  })

  it('removes every name that it does not set, and the token if the route wants that', async () => {
    const names = ['issuer', 'subject', 'operator', 'domain', 'scope', 'actor', 'jti', 'expires']
    const route = { ...ROUTE, header_prefix: 'x-caller-', forward_token: 'false' }
    const sent = withHeaders({ x_caller_jti: 'x', 'x-caller-more': 'x', 'x-auth4agent-subject': 'x', 'x-call': 'x' })
    const { headers, removed } = await askCheck(sent, route)
    expect(Object.keys(headers)).toEqual(names.filter((name) => name !== 'actor').map((name) => `x-caller-${name}`))
    expect(removed.toSorted()).toEqual([
      'authorization',
      'dpop',
      'x-auth4agent-subject',
      'x-caller-actor',
      'x-caller-more',
      'x_caller_jti',
    ])
  })

  it('remembers what it tells about a token for each route', async () => {
    const other = await askCheck({}, { ...ROUTE, header_prefix: 'x-caller-' })
    const usual = await askCheck({})
    expect([other.headers['x-caller-jti'], usual.headers['x-auth4agent-jti']]).toEqual(['jti-1', 'jti-1'])
    expect(usual.metadata).toEqual(other.metadata)
  })

  it.each([
    ['UNAVAILABLE', 503],
    ['INTERNAL', 503],
    ['INVALID_AUDIENCE', 403],
  ] as const)(
    'denies a request if verification throws %s, because a proxy may let requests pass after an error',
    async (code, status) => {
      const verify = async () => {
        throw new ApiError(code)
      }
      const outcomes = [status === 503 ? `undecided ${code}` : 'forbidden']
      expect(await askCheck({}, ROUTE, verify)).toMatchObject({ isDenied: true, status, reason: code, outcomes })
    },
  )
})
