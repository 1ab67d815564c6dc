import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { demandDpop } from '../../contract/cases/audiences.ts'
import { boundToken, proofFields } from '../../contract/cases/bound-tokens.ts'
import { clientAssertionCases } from '../../contract/cases/client-assertions.ts'
import { dpopCases, ISSUERS } from '../../contract/cases/dpop.ts'
import { formCases } from '../../contract/cases/forms.ts'
import { oauthCases } from '../../contract/cases/oauth.ts'
import { EVERYWHERE, PROOF_KEYS, proofFor } from '../../contract/cases/proofs.ts'
import { authenticated } from '../../contract/cases/valid-requests.ts'
import { shortName } from '../../contract/support/contract.ts'
import { sendHttp } from '../../contract/support/http.ts'
import type { RefusalCase } from '../../contract/support/refusal.ts'
import { restRequest } from '../../contract/support/rest-request.ts'
import { runCases, useWorld } from '../../contract/support/run-cases.ts'
import { claimsOf, sendGood } from '../../contract/support/send-good.ts'
import type { WorldServer } from '../../contract/support/world.ts'
import { startMode } from '../../support/modes.ts'
import type { Environment } from '../../support/server.ts'

/** Starts one process for each part. */
async function startSplit(env: Environment): Promise<WorldServer> {
  await using started = new AsyncDisposableStack()
  const { processes } = await startMode.split(started, 1, env)
  const [gateway] = processes['jwks-gateway']
  if (gateway === undefined) throw new Error('The gateway did not start')
  const all = started.move()
  return { baseUrl: gateway.baseUrl, grpcAddress: gateway.grpcAddress, stop: () => all.disposeAsync() }
}

const world = useWorld({ start: startSplit })
const { token, introspect, revoke } = OAuthService.method
const { verifyToken } = AuthnService.method
const KEY = PROOF_KEYS.ES256
const client = () => authenticated(world().agents.active)

describe.each(EVERYWHERE)('with split services, over %s', (transport) => {
  it.each(ISSUERS.map((issuer) => [shortName(issuer.method), issuer] as const))(
    '%s binds a token, and accepts the nonce of its refusal',
    async (_, { method, request }) => {
      await demandDpop(world())
      const ask = (nonce: string | undefined) =>
        sendGood(world(), transport, {
          method,
          request: request(world(), ['https://nonce.acme-operator.com/']),
          proof: (_world, target) => proofFor(target, { claims: { nonce } }),
        })
      const refused = await ask(undefined)
      refused.expectReason('DPOP_NONCE_REQUIRED')
      const answer = (await ask(refused.dpopNonce)).expectAnswered()
      expect(answer).toMatchObject({ token_type: 'DPoP' })
      expect(claimsOf(answer['access_token'])).toMatchObject({ cnf: { jkt: KEY.kid } })
    },
  )

  it('a proof is accepted once', async () => {
    let text: string | undefined
    const ask = () =>
      sendGood(world(), transport, {
        method: token,
        request: { grant_type: 'client_credentials', ...client() },
        proof: (_world, target) => (text ??= proofFor(target)),
      })
    ;(await ask()).expectAnswered()
    ;(await ask()).expectReason('DPOP_PROOF_USED')
  })

  it('a token is introspected, verified with a proof, and no longer valid after Revoke', async () => {
    const bound = boundToken(world())
    const send = (method: typeof introspect | typeof revoke) =>
      sendGood(world(), transport, { method, request: { token: bound, ...client() } })
    const verify = async (fields: ReturnType<typeof proofFields>) => {
      const request = { token: bound, ...fields }
      return (await sendGood(world(), transport, { method: verifyToken, request })).expectAnswered()
    }
    expect((await send(introspect)).expectAnswered()).toMatchObject({ active: true, cnf: { jkt: KEY.kid } })
    const fields = proofFields(bound)
    expect(await verify(fields)).toMatchObject({ valid: true })
    expect(await verify(fields)).toMatchObject({ reason: 'PROOF_REPLAYED' })
    ;(await send(revoke)).expectAnswered()
    expect(await verify(proofFields(bound))).toMatchObject({ reason: 'TOKEN_REVOKED' })
    expect((await send(introspect)).expectAnswered()['active'] ?? false).toBe(false)
  })
})

it('with split services, the gateway answers a signed introspection', async () => {
  const request = restRequest(introspect, { token: world().token(), ...client() })
  const headers = { ...request.headers, accept: 'application/token-introspection+jwt' }
  const answer = await sendHttp(world().server.baseUrl, { ...request, headers })
  expect(answer.headers['content-type']).toBe('application/token-introspection+jwt')
  expect(claimsOf(answer.text)).toMatchObject({ token_introspection: { active: true } })
})

/** One case for each method and reason. */
const samples = new Map<string, RefusalCase>()
for (const refusal of [...clientAssertionCases, ...oauthCases, ...dpopCases, ...formCases]) {
  const key = `${shortName(refusal.method)} ${refusal.reason}`
  if (!samples.has(key)) samples.set(key, refusal)
}

describe('with split services, every reason reaches the caller', () => runCases(world, [...samples.values()]))
