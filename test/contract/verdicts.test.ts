import { verdicts } from '@auth4agent/core/token/verdicts'
import { fromBinary, fromJson, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { verdictCases } from './cases/verdicts.ts'
import { expectProblem } from './support/expect-error.ts'
import { grpcPath } from './support/grpc.ts'
import { sendHttp } from './support/http.ts'
import { restRequest } from './support/rest-request.ts'
import { useWorld } from './support/run-cases.ts'

// These tests end tokens in the database and not by a call, so nothing waits until the log followers know it. Without
// a lease, the server asks the database about every token.
const world = useWorld({ env: { AUTH4AGENT_REVOCATION_LEASE: 'off' } })
const { verifyToken: verify } = AuthnService.method

/** Verdicts about genuine tokens that were ended. */
const ENDED: ReadonlySet<string> = new Set(['TOKEN_REVOKED', 'AGENT_TOKENS_ENDED', 'OPERATOR_TOKENS_ENDED'])

/** The HTTP status and the error of RFC 6750 section 3.1. Only a missing scope is not `invalid_token`. */
const refusalOf = (verdict: string) =>
  verdict === 'SCOPE_MISSING' ? ([403, 'insufficient_scope'] as const) : ([401, 'invalid_token'] as const)

describe('POST /v1/verify with Prefer: status=refuse', () => {
  it.each(verdictCases.map((each) => [each.verdict, each.name, each] as const))(
    'refuses the token with %s: %s',
    async (verdict, _, each) => {
      const request = restRequest(verify, { token: await each.token(world()), ...each.wanted })
      const answer = await sendHttp(world().server.baseUrl, {
        ...request,
        headers: { ...request.headers, prefer: 'status=refuse' },
      })
      const [status, error] = refusalOf(verdict)
      expect(answer).toMatchObject({
        status,
        headers: {
          'content-type': 'application/json',
          'preference-applied': 'status=refuse',
          'www-authenticate': `Bearer realm="auth4agent", error="${error}"`,
        },
      })
      expect(JSON.parse(answer.text)).toEqual({
        valid: false,
        revoked: ENDED.has(verdict),
        claims: null,
        reason: verdict,
        verified_at: expect.any(String),
      })
    },
  )

  it('answers 200 to a valid token, with a header that says that the preference was applied', async () => {
    const request = restRequest(verify, { token: world().token() })
    const headers = { ...request.headers, prefer: 'return=minimal, status=refuse' }
    const answer = await sendHttp(world().server.baseUrl, { ...request, headers })
    expect(answer).toMatchObject({ status: 200, headers: { 'preference-applied': 'status=refuse' } })
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(JSON.parse(answer.text)).toMatchObject({ valid: true })
  })

  it('refuses a mistyped preference, because its sender would take every 200 for a valid token', async () => {
    const request = restRequest(verify, { token: world().token() })
    const headers = { ...request.headers, prefer: 'status=refused' }
    const answer = await sendHttp(world().server.baseUrl, { ...request, headers })
    expectProblem(answer, 'INVALID_ARGUMENT')
  })

  it('differs from POST /v1/challenge, which ignores the preference', async () => {
    const { server, agents } = world()
    const request = restRequest(AuthnService.method.createChallenge, { did: agents.active.did })
    const answer = await sendHttp(server.baseUrl, { ...request, headers: { ...request.headers, prefer: 'status=x' } })
    expect(answer.status).toBe(200)
    expect(answer.headers['preference-applied']).toBeUndefined()
  })
})

describe('VerifyToken', () => {
  it.each(verdictCases.map((each) => [each.verdict, each.name, each] as const))(
    'answers the verdict %s: %s',
    async (verdict, _, each) => {
      const request = { token: await each.token(world()), ...each.wanted }
      const before = await world().snapshot('')
      const rest = await sendHttp(world().server.baseUrl, restRequest(verify, request))
      expect({ status: rest.status, ...(JSON.parse(rest.text) as object) }).toEqual({
        status: 200,
        valid: false,
        revoked: ENDED.has(verdict),
        claims: null,
        reason: verdict,
        verified_at: expect.any(String),
      })
      const { message } = await world().grpc.call(
        grpcPath(verify),
        toBinary(verify.input, fromJson(verify.input, request)),
      )
      const answer = fromBinary(verify.output, message ?? new Uint8Array())
      expect(answer).toMatchObject({ valid: false, revoked: ENDED.has(verdict), reason: verdict })
      expect(answer.claims).toBeUndefined()
      expect(await world().snapshot('')).toEqual(before)
    },
  )

  it('has a test token for every verdict', () => {
    expect(new Set(verdictCases.map(({ verdict }) => verdict))).toEqual(new Set(Object.keys(verdicts)))
  })

  it('answers valid for the token that the tests make invalid', async () => {
    const { issuer, operators, server, token } = world()
    const wanted = { audience: [issuer], scope: 'read', operators: [operators.acme.id] }
    const { text } = await sendHttp(server.baseUrl, restRequest(verify, { token: token(), ...wanted }))
    expect(JSON.parse(text)).toMatchObject({ valid: true, revoked: false })
  })
})
