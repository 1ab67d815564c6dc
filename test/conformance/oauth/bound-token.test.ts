import { createHash } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { AuthnService, IssueTokenResponseSchema } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { OAuthService, TokenRequestSchema, TokenResponseSchema } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import { grpcPath } from '../../contract/support/grpc.ts'
import { useWorld } from '../../contract/support/run-cases.ts'
import { type TestTokenKey, testTokenKey } from '../../support/token-keys.ts'
import {
  ASSERTION_TYPE,
  clientAssertion,
  decodeJwt,
  dpopProof,
  expectIssued,
  post,
  tokenForm,
} from './support/client.ts'

const world = useWorld()
const key = testTokenKey('ES256')
const API = 'https://api.acme-operator.com'
const URL_OF_REQUEST = `${API}/orders?page=1`
const JSON_TYPE = { 'content-type': 'application/json' }

async function issue(dpop?: string): Promise<string> {
  const form = tokenForm(world().agents.active, { resource: API })
  return expectIssued(await post(world().server.baseUrl, '/oauth/token', form, dpop === undefined ? {} : { dpop }))
    .access_token
}
const boundToken = () => issue(dpopProof(key))

/** Returns a proof for a request to the API with a token. */
function proofFor(token: string, claims: object = {}, by: TestTokenKey = key): string {
  const ath = createHash('sha256').update(token).digest('base64url')
  return dpopProof(by, { claims: { htm: 'GET', htu: `${API}/orders`, ath, ...claims } })
}

/** Asks the server to verify a token, with the request that carried it. */
async function verify(token: string, dpop_proof?: string, request: object = {}) {
  const sent = { dpop_proof, http_method: 'GET', http_url: URL_OF_REQUEST, ...request }
  const body = JSON.stringify({ token, ...(dpop_proof !== undefined && sent) })
  return JSON.parse((await post(world().server.baseUrl, '/v1/verify', body, JSON_TYPE)).text) as unknown
}

const redeem = (dpop: string) => {
  const body = JSON.stringify({ ...world().challenge(world().agents.active), scope: 'read' })
  return post(world().server.baseUrl, '/v1/token', body, { ...JSON_TYPE, dpop })
}
const HTU = 'http://localhost:8080/v1/token'

describe('POST /v1/verify', () => {
  it('accepts a bound token with a proof of its key for this request', async () => {
    const token = await boundToken()
    expect(await verify(token, proofFor(token))).toMatchObject({ valid: true })
  })

  it('refuses a bound token without a proof', async () => {
    expect(await verify(await boundToken())).toMatchObject({ valid: false, reason: 'PROOF_REQUIRED' })
  })

  it('refuses a token that is not bound with a proof', async () => {
    const token = await issue()
    expect(await verify(token, proofFor(token))).toMatchObject({ valid: false, reason: 'TOKEN_NOT_BOUND' })
  })

  it.each<[string, (token: string, another: string) => string]>([
    ['another key', (token) => proofFor(token, {}, testTokenKey('ES256'))],
    ['ath of another token', (_, another) => proofFor(another)],
    ['no ath', (token) => proofFor(token, { ath: undefined })],
    [
      'ath with padding',
      (token) => proofFor(token, { ath: `${createHash('sha256').update(token).digest('base64url')}=` }),
    ],
    ['htu of another host', (token) => proofFor(token, { htu: 'https://other.example/orders' })],
    ['htu of another path', (token) => proofFor(token, { htu: `${API}/admin` })],
    ['another method', (token) => proofFor(token, { htm: 'POST' })],
    ['a proof for the token endpoint', () => dpopProof(key)],
    ['a text that is not a proof', () => 'x'],
  ])('refuses a bound token with %s', async (_, proofOf) => {
    const token = await boundToken()
    const answer = await verify(token, proofOf(token, await boundToken()))
    expect(answer).toMatchObject({ valid: false, reason: 'PROOF_INVALID' })
  })

  it('refuses a bound token when its proof is replayed', async () => {
    const token = await boundToken()
    const proof = proofFor(token)
    expect(await verify(token, proof)).toMatchObject({ valid: true })
    expect(await verify(token, proof)).toMatchObject({ valid: false, reason: 'PROOF_REPLAYED' })
  })
})

describe('POST /v1/token with a proof', () => {
  it('binds the token to the key of the proof', async () => {
    const answer = await redeem(dpopProof(key, { claims: { htu: HTU } }))
    const { token, token_type } = JSON.parse(answer.text) as { token: string; token_type: string }
    expect({ token_type, cnf: decodeJwt(token).claims['cnf'] }).toEqual({ token_type: 'DPoP', cnf: { jkt: key.kid } })
  })

  it('refuses a proof for /oauth/token, and a proof that is replayed', async () => {
    expect(JSON.parse((await redeem(dpopProof(key))).text)).toMatchObject({ reason: 'INVALID_DPOP_PROOF' })
    const proof = dpopProof(key, { claims: { htu: HTU } })
    expect((await redeem(proof)).status).toBe(200)
    expect(JSON.parse((await redeem(proof)).text)).toMatchObject({ reason: 'DPOP_PROOF_USED' })
  })
})

describe('a proof in the metadata of a gRPC call', () => {
  const { token: method } = OAuthService.method
  const htu = `http://localhost:8080${grpcPath(method)}`
  const call = (dpop: string) => {
    const client_assertion = clientAssertion(world().agents.active)
    const request = {
      grantType: 'client_credentials',
      clientAssertionType: ASSERTION_TYPE,
      clientAssertion: client_assertion,
    }
    return world().grpc.call(grpcPath(method), toBinary(TokenRequestSchema, create(TokenRequestSchema, request)), {
      dpop,
    })
  }

  it('binds the token if htu is the URL of the method', async () => {
    const { code, details, message } = await call(dpopProof(key, { claims: { htu } }))
    expect({ code, details }).toEqual({ code: status.OK, details: '' })
    const { accessToken, tokenType } = fromBinary(TokenResponseSchema, message ?? new Uint8Array())
    expect(tokenType).toBe('DPoP')
    expect(decodeJwt(accessToken).claims['cnf']).toEqual({ jkt: key.kid })
  })

  it('is refused if htu is the URL of the REST endpoint or of another method', async () => {
    for (const wrong of [undefined, `http://localhost:8080${grpcPath(OAuthService.method.revoke)}`]) {
      const proof = dpopProof(key, wrong === undefined ? {} : { claims: { htu: wrong } })
      expect(await call(proof)).toMatchObject({ reason: 'INVALID_DPOP_PROOF' })
    }
  })

  it('binds a token of a redeemed challenge too', async () => {
    const { issueToken } = AuthnService.method
    const { signature, ...challenge } = world().challenge(world().agents.active)
    const request = create(issueToken.input, { ...challenge, signature: Buffer.from(signature, 'base64') })
    const dpop = dpopProof(key, { claims: { htu: `http://localhost:8080${grpcPath(issueToken)}` } })
    const { message } = await world().grpc.call(grpcPath(issueToken), toBinary(issueToken.input, request), { dpop })
    expect(fromBinary(IssueTokenResponseSchema, message ?? new Uint8Array()).tokenType).toBe('DPoP')
  })
})
