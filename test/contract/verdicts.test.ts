import { verdicts } from '@auth4agent/core/token/verdicts'
import { fromBinary, fromJson, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { verdictCases } from './cases/verdicts.ts'
import { grpcPath } from './support/grpc.ts'
import { sendHttp } from './support/http.ts'
import { restRequest } from './support/refusal.ts'
import { useWorld } from './support/run-cases.ts'

// The tokens here are ended in the database and by no call, so there is none that would wait for the verifiers.
const world = useWorld({ env: { AUTH4AGENT_REVOCATION_LEASE: 'off' } })
const { verifyToken: verify } = AuthnService.method

/** Of these the token was genuine, and has been ended. */
const ENDED: ReadonlySet<string> = new Set(['TOKEN_REVOKED', 'AGENT_TOKENS_ENDED', 'OPERATOR_TOKENS_ENDED'])

describe('tokens that are not valid', () => {
  it.each(verdictCases.map((each) => [each.verdict, each.name, each] as const))('%s: %s', async (verdict, _, each) => {
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
  })

  it('has a token for every verdict', () => {
    expect(new Set(verdictCases.map(({ verdict }) => verdict))).toEqual(new Set(Object.keys(verdicts)))
  })

  it('spoils tokens that are valid', async () => {
    const { issuer, operators, server, token } = world()
    const wanted = { audience: [issuer], scope: 'read', operators: [operators.acme.id] }
    const { text } = await sendHttp(server.baseUrl, restRequest(verify, { token: token(), ...wanted }))
    expect(JSON.parse(text)).toMatchObject({ valid: true, revoked: false })
  })
})
