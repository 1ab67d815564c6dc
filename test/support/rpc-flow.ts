import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, ISSUER, startDeployment } from './deployment.ts'
import { type AgentParty, type Asserter, newAgentParty, newKeys, operatorAsserter, thumbprintOf } from './parties.ts'
import type { Json } from './protocol-client.ts'

/**
 * The result of a call: the answer with protobuf's JSON names, or the gRPC code and the reason in
 * google.rpc.ErrorInfo.
 */
export type RpcOutcome =
  | { readonly ok: true; readonly message: Json }
  | { readonly ok: false; readonly code: string; readonly reason: string | undefined }

/**
 * Calls the server with one RPC tool. In requests and answers, bytes are base64 and field names are lowerCamelCase. An
 * answer contains also the fields with default values.
 * @param method full name, `auth4agent.v1.Service/Method`
 */
type RpcCall = (method: string, request: Json, authorization?: string) => Promise<RpcOutcome>

/** A way to call one server, and to close it. */
export interface RpcCaller {
  readonly call: RpcCall
  close(): void
}

const REGISTRY = 'auth4agent.v1.OperatorRegistryService'
const IDENTITY = 'auth4agent.v1.IdentityService'
const AUTHN = 'auth4agent.v1.AuthnService'
const REVOCATION = 'auth4agent.v1.RevocationService'
const KEYS = 'auth4agent.v1.KeysService'
const DOMAIN = 'agents.example.com'

/**
 * Defines the tests of the whole protocol over one kind of RPC client, from a domain to the end of a token.
 */
export function describeRpcFlow(name: string, connect: (deployment: Deployment) => RpcCaller): void {
  describe(`the whole flow with ${name}`, () => {
    let deployment: Deployment
    let caller: RpcCaller
    const rootKeys = newKeys()
    const agent = newAgentParty(DOMAIN)
    let operatorId: string
    let operator: Asserter
    let redeemed: Json
    let token: string

    const answerOf = async (method: string, request: Json, by?: string): Promise<Json> => {
      const outcome = await caller.call(method, request, by)
      if (outcome.ok) return outcome.message
      throw new Error(`${method}: ${outcome.code} ${outcome.reason}`)
    }
    const refusalOf = async (method: string, request: Json, by?: string): Promise<string> => {
      const outcome = await caller.call(method, request, by)
      return outcome.ok ? 'none' : `${outcome.code} ${outcome.reason}`
    }
    const change = (method: string, request: Json) => answerOf(method, request, operator.assert(method))
    const signed = (wishes: Json = {}) => signChallenge(answerOf, agent, wishes)

    beforeAll(async () => {
      deployment = await startDeployment()
      caller = connect(deployment)
    })
    afterAll(async () => {
      caller?.close()
      await deployment?.stop()
    })

    it('1. an operator proves its domain', async () => {
      const registration = { domain: DOMAIN, rootPublicKey: rootKeys.publicKey.toString('base64') }
      const { id } = await answerOf(`${REGISTRY}/RegisterOperator`, registration)
      operatorId = String(id)
      operator = operatorAsserter(rootKeys, operatorId, ISSUER)
      expect(await answerOf(`${REGISTRY}/ConfirmDomain`, { id })).toMatchObject({
        verified: false,
        reason: 'TXT_RECORD_NOT_FOUND',
      })
      const { txtRecordName, txtRecordValue } = await answerOf(`${REGISTRY}/GetDomainVerification`, { id })
      deployment.dns.setTxt(String(txtRecordName), [String(txtRecordValue)])
      expect(await answerOf(`${REGISTRY}/ConfirmDomain`, { id })).toMatchObject({ verified: true, reason: '' })
      expect(await answerOf(`${REGISTRY}/GetOperator`, { id })).toMatchObject({
        status: 'active',
        rootKeyThumbprint: thumbprintOf(rootKeys),
      })
    })

    it('2. the operator registers an agent and sets its scopes; each call needs an assertion for exactly this call', async () => {
      const registration = { operatorId, did: agent.did, agentPublicKey: agent.publicKey }
      expect(await answerOf(`${IDENTITY}/RegisterAgent`, registration)).toMatchObject({ status: 'pending' })
      const method = `${IDENTITY}/SetAgentScopes`
      const grant = { operatorId, did: agent.did, allowedScopes: ['read'] }
      expect(await refusalOf(method, grant)).toBe('UNAUTHENTICATED UNAUTHENTICATED')
      const forAnother = operator.assert(`${IDENTITY}/ApproveAgent`)
      expect(await refusalOf(method, grant, forAnother)).toBe('UNAUTHENTICATED INVALID_ASSERTION')
      const assertion = operator.assert(method)
      expect(await answerOf(method, grant, assertion)).toMatchObject({ updated: true, allowedScopes: ['read'] })
      expect(await refusalOf(method, grant, assertion)).toBe('UNAUTHENTICATED ASSERTION_USED')
      const { agents } = await answerOf(`${IDENTITY}/ListAgents`, { operatorId }, operator.assert())
      expect(agents).toMatchObject([{ did: agent.did, status: 'active', agentPublicKey: agent.publicKey }])
    })

    it('3. a signed challenge is redeemed once, and the token is valid', async () => {
      redeemed = await signed()
      const issued = await answerOf(`${AUTHN}/IssueToken`, redeemed)
      expect(issued).toMatchObject({ tokenType: 'Bearer', expiresIn: 900, scope: 'read' })
      token = String(issued.token)
      const kid = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
      const { keys } = await answerOf(`${KEYS}/GetJsonWebKeySet`, {})
      const key = { kid, kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', x: expect.any(String) }
      expect(keys).toContainEqual(expect.objectContaining(key))
      expect(await answerOf(`${AUTHN}/VerifyToken`, { token, operators: [DOMAIN], scope: 'read' })).toMatchObject({
        valid: true,
        claims: { sub: agent.did, aud: [ISSUER], operatorId, jti: issued.jti },
      })
    })

    it.each([
      ['a challenge that was redeemed', async () => redeemed, 'ALREADY_EXISTS CHALLENGE_USED'],
      ['a scope beyond the grant', () => signed({ scope: 'admin' }), 'PERMISSION_DENIED SCOPE_NOT_ALLOWED'],
      [
        'a signature over something else',
        async () => ({ ...(await signed()), signature: redeemed.signature }),
        'UNAUTHENTICATED INVALID_SIGNATURE',
      ],
      ['a lifetime out of bounds', () => signed({ ttl: '2h' }), 'INVALID_ARGUMENT INVALID_TTL'],
      [
        'an unknown challenge',
        async () => ({ ...(await signed()), challenge: 'AAAA' }),
        'NOT_FOUND CHALLENGE_NOT_FOUND',
      ],
    ])('4. IssueToken refuses %s', async (_name, request, refusal) => {
      expect(await refusalOf(`${AUTHN}/IssueToken`, await request())).toBe(refusal)
    })

    it('5. a revoked token is refused', async () => {
      await answerOf(`${REVOCATION}/RevokeToken`, { token, reason: 'leaked' })
      expect(await answerOf(`${AUTHN}/VerifyToken`, { token })).toMatchObject({
        valid: false,
        revoked: true,
        reason: 'TOKEN_REVOKED',
      })
    })

    it('6. a suspended agent loses its tokens and gets no new one', async () => {
      const { token: other } = await answerOf(`${AUTHN}/IssueToken`, await signed())
      await change(`${IDENTITY}/SuspendAgent`, { operatorId, agent: agent.did, reason: 'maintenance' })
      expect(await answerOf(`${AUTHN}/VerifyToken`, { token: other })).toMatchObject({ reason: 'AGENT_TOKENS_ENDED' })
      expect(await refusalOf(`${AUTHN}/IssueToken`, await signed())).toBe('PERMISSION_DENIED AGENT_NOT_ACTIVE')
    })
  })
}

async function signChallenge(
  answerOf: (method: string, request: Json) => Promise<Json>,
  agent: AgentParty,
  wishes: Json,
): Promise<Json> {
  const { challenge, nonce } = await answerOf(`${AUTHN}/CreateChallenge`, { did: agent.did })
  const signature = agent.sign(String(challenge), String(nonce)).toString('base64')
  return { did: agent.did, challenge, nonce, signature, scope: 'read', ...wishes }
}
