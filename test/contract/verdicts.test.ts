import { verdicts } from '@auth4agent/core/token/verdicts'
import { fromBinary, fromJson, type JsonObject, toBinary, toJson } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { boundToken, proofFields, revokedToken } from './cases/bound-tokens.ts'
import { ACCEPTED, goodChain } from './cases/chain-verdicts.ts'
import { goodDelegated } from './cases/delegated-verdicts.ts'
import { type VerdictCase, verdictRequest } from './cases/verdict-case.ts'
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

/** Verifies over REST. */
async function valid(request: JsonObject): Promise<unknown> {
  const { text } = await sendHttp(world().server.baseUrl, restRequest(verify, request))
  return (JSON.parse(text) as { valid?: unknown }).valid
}

/** Verdicts about genuine tokens that were ended. */
const ENDED: ReadonlySet<string> = new Set([
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'ISSUER_DISABLED',
  'TRUST_ENDED',
])

/** Verdicts that say what the server does not know now. */
const TEMPORARY = [503, ''] as const
const BEARER = 'Bearer realm="auth4agent", error="invalid_token"'
const DPOP_ALGS = 'algs="EdDSA Ed25519 ES256"'
/** Status and challenge that differ from those of most verdicts: RFC 6750 section 3.1, RFC 9449 section 7.1. */
const REFUSALS: Readonly<Record<string, readonly [status: number, challenge: string]>> = {
  SCOPE_MISSING: [403, 'Bearer realm="auth4agent", error="insufficient_scope"'],
  ATTESTATION_REQUIRED: [
    403,
    'Bearer realm="auth4agent", error="insufficient_scope", ' +
      'error_description="The token must state the required result of attestation"',
  ],
  PROOF_REQUIRED: [401, `DPoP realm="auth4agent", error="invalid_token", ${DPOP_ALGS}`],
  PROOF_INVALID: [401, `DPoP realm="auth4agent", error="invalid_dpop_proof", ${DPOP_ALGS}`],
  CAPABILITY_MISSING: [403, `DPoP realm="auth4agent", error="insufficient_scope", ${DPOP_ALGS}`],
  ARGUMENTS_NEEDED: [403, `DPoP realm="auth4agent", error="insufficient_scope", ${DPOP_ALGS}`],
  ARGUMENT_REFUSED: [403, `DPoP realm="auth4agent", error="insufficient_scope", ${DPOP_ALGS}`],
  ISSUER_KEYS_UNAVAILABLE: TEMPORARY,
  ISSUER_REVOCATIONS_STALE: TEMPORARY,
  PROOF_REPLAYED: [401, `DPoP realm="auth4agent", error="invalid_dpop_proof", ${DPOP_ALGS}`],
}

/** Only an answer about a chain has the member. */
const hopOf = ({ hop }: VerdictCase) => (hop === undefined ? {} : { hop })

describe('POST /v1/verify with Prefer: status=refuse', () => {
  it.each(verdictCases.map((each) => [each.verdict, each.name, each] as const))(
    'refuses the token with %s: %s',
    async (verdict, _, each) => {
      const request = restRequest(verify, await verdictRequest(each, world()))
      const answer = await sendHttp(world().server.baseUrl, {
        ...request,
        headers: { ...request.headers, prefer: 'status=refuse' },
      })
      const [status, challenge] = REFUSALS[verdict] ?? [401, BEARER]
      expect(answer).toMatchObject({
        status,
        headers: {
          'content-type': 'application/json',
          'preference-applied': 'status=refuse',
          ...(status === 503 ? { 'retry-after': '1' } : { 'www-authenticate': challenge }),
        },
      })
      expect(JSON.parse(answer.text)).toEqual({
        valid: false,
        revoked: ENDED.has(verdict),
        claims: null,
        reason: verdict,
        verified_at: expect.any(String),
        ...hopOf(each),
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
      const request = await verdictRequest(each, world())
      const before = await world().snapshot('')
      const rest = await sendHttp(world().server.baseUrl, restRequest(verify, request))
      expect({ status: rest.status, ...(JSON.parse(rest.text) as object) }).toEqual({
        status: 200,
        valid: false,
        revoked: ENDED.has(verdict),
        claims: null,
        reason: verdict,
        verified_at: expect.any(String),
        ...hopOf(each),
      })
      const { message } = await world().grpc.call(
        grpcPath(verify),
        toBinary(verify.input, fromJson(verify.input, request)),
      )
      const answer = fromBinary(verify.output, message ?? new Uint8Array())
      expect(answer).toMatchObject({ valid: false, revoked: ENDED.has(verdict), reason: verdict, ...hopOf(each) })
      expect(answer.claims).toBeUndefined()
      expect(await world().snapshot('')).toEqual(before)
    },
  )

  it('answers valid to a good proof once, over REST and gRPC, and names the key of the token', async () => {
    const token = boundToken(world())
    const { cnf }: { cnf?: unknown } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const request = { token, ...proofFields(token) }
    const rest = await sendHttp(world().server.baseUrl, restRequest(verify, request))
    expect(JSON.parse(rest.text)).toMatchObject({ valid: true, reason: '', claims: { cnf } })
    const [replayed, fresh] = await Promise.all(
      [request, { token, ...proofFields(token) }].map(async (each) => {
        const message = toBinary(verify.input, fromJson(verify.input, each))
        const answer = await world().grpc.call(grpcPath(verify), message)
        return fromBinary(verify.output, answer.message ?? new Uint8Array())
      }),
    )
    expect(replayed).toMatchObject({ valid: false, reason: 'PROOF_REPLAYED' })
    expect(fresh).toMatchObject({ valid: true, claims: { cnf } })
  })

  it('compares neither query nor fragment, and reads other notations of one URL as equal', async () => {
    const token = boundToken(world())
    for (const http_url of [
      'https://api.acme-operator.com/orders?page=1#x',
      'HTTPS://API.acme-operator.com:443/%6Frders',
    ])
      expect(await valid({ token, ...proofFields(token), http_url })).toBe(true)
  })

  it('does not remember a proof that it refused', async () => {
    const token = boundToken(world())
    const fields = proofFields(token)
    expect(await valid({ token, ...fields, http_method: 'POST' })).toBe(false)
    expect(await valid({ token, ...fields, scope: 'write' })).toBe(false)
    expect(await valid({ token, ...fields })).toBe(true)
  })

  it('answers TOKEN_REVOKED to a good proof of a revoked token', async () => {
    const token = await revokedToken(world())
    const { text } = await sendHttp(world().server.baseUrl, restRequest(verify, { token, ...proofFields(token) }))
    expect(JSON.parse(text)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
  })

  it('has a test token for every verdict', () => {
    const tried = new Set<string>(verdictCases.map(({ verdict }) => verdict))
    expect(Object.keys(verdicts).filter((verdict) => !tried.has(verdict))).toEqual([])
  })

  it('answers who acts for whom to a good chain, over REST and gRPC', async () => {
    const { agents } = world()
    const request = { ...ACCEPTED, token: await goodChain(world()), actors: ['acme-operator.com'] }
    const { text } = await sendHttp(world().server.baseUrl, restRequest(verify, request))
    const [principal, actor] = [agents.active.did, agents.committed.did]
    expect(JSON.parse(text)).toMatchObject({
      valid: true,
      claims: null,
      reason: '',
      delegation: {
        principal,
        actor,
        hops: [{ did: principal }, { did: actor, operator_id: agents.committed.operatorId }],
        capabilities: ['https://shop.example#read', 'https://shop.example#pay'],
      },
    })
    const message = toBinary(verify.input, fromJson(verify.input, request))
    const answer = await world().grpc.call(grpcPath(verify), message)
    const { valid: isValid, delegation } = fromBinary(verify.output, answer.message ?? new Uint8Array())
    expect({ isValid, principal: delegation?.principal }).toEqual({ isValid: true, principal })
  })

  it('answers claims and who acts for whom to a good delegated token, over REST and gRPC', async () => {
    const { agents } = world()
    const request = { ...ACCEPTED, token: goodDelegated(world()), actors: ['acme-operator.com'] }
    const [principal, actor] = [agents.active.did, agents.committed.did]
    const { text } = await sendHttp(world().server.baseUrl, restRequest(verify, request))
    const said = {
      valid: true,
      claims: {
        sub: principal,
        client_id: actor,
        act: { sub: actor },
        authorization_details: [{ type: 'attenuating_agent_token' }],
      },
      delegation: { principal, actor, hops: [{ did: principal }, { did: actor }] },
    }
    expect(JSON.parse(text)).toMatchObject(said)
    const message = toBinary(verify.input, fromJson(verify.input, request))
    const answer = await world().grpc.call(grpcPath(verify), message)
    const overGrpc = toJson(verify.output, fromBinary(verify.output, answer.message ?? new Uint8Array()))
    expect(overGrpc).toMatchObject({
      valid: true,
      claims: { sub: principal, clientId: actor, act: { sub: actor } },
      delegation: { principal, actor },
    })
  })

  it('answers valid for the token that the tests make invalid', async () => {
    const { issuer, operators, server, token } = world()
    const wanted = { audience: [issuer], scope: 'read', operators: [operators.acme.id] }
    const { text } = await sendHttp(server.baseUrl, restRequest(verify, { token: token(), ...wanted }))
    expect(JSON.parse(text)).toMatchObject({ valid: true, revoked: false })
  })
})
