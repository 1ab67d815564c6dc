import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { OperatorRegistryService } from '../../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { AgentParty, Asserter } from '../../support/parties.ts'
import type { Json, TokenBody } from '../../support/protocol-client.ts'
import type { OperatorParty } from '../../support/story.ts'

/** A call in the form of REST and of gRPC. */
export interface Request {
  readonly rest: { readonly method: string; readonly path: string; readonly body: Json | null }
  readonly method: DescMethodUnary
  readonly message: MessageInitShape<DescMessage>
  /** The caller that signs an assertion for the call. Each attempt uses a new assertion. */
  readonly by?: Asserter
}

const REASON = 'a test of faults'

function request<I extends DescMessage>(
  method: DescMethodUnary<I>,
  message: MessageInitShape<I>,
  rest: Request['rest'],
  by?: Asserter,
): Request {
  return { rest, method, message, ...(by && { by }) }
}

const post = (path: string, body: Json | null): Request['rest'] => ({ method: 'POST', path, body })

/** Requests a challenge. */
export const challenge = (did: string): Request =>
  request(AuthnService.method.createChallenge, { did }, post('/v1/challenge', { did }))

/** Redeems a challenge. */
export const token = (body: TokenBody): Request =>
  request(
    AuthnService.method.issueToken,
    { ...body, audience: [], signature: Buffer.from(body.signature, 'base64') },
    post('/v1/token', { ...body }),
  )

/** Verifies a token. */
export const verify = (jwt: string): Request =>
  request(AuthnService.method.verifyToken, { token: jwt }, post('/v1/verify', { token: jwt }))

/** Revokes a token by its text. */
export const revokeToken = (jwt: string): Request => {
  const body = { token: jwt, reason: REASON }
  return request(RevocationService.method.revokeToken, body, post('/v1/revoke/token', body))
}

/** Revokes a token by its id. */
export const revokeJti = (jti: string, by: OperatorParty): Request => {
  const body = { jti, reason: REASON }
  return request(RevocationService.method.revokeToken, body, post('/v1/revoke/token', body), by)
}

const agentPath = ({ id }: OperatorParty, agent: AgentParty) => `/v1/operators/${id}/agents/${agent.did}`

/** Suspends an agent. */
export const suspendAgent = (operator: OperatorParty, agent: AgentParty): Request =>
  request(
    IdentityService.method.suspendAgent,
    { operatorId: operator.id, agent: agent.did, reason: REASON },
    post(`${agentPath(operator, agent)}/suspend`, { reason: REASON }),
    operator,
  )

/** Ends the suspension of an agent. */
export const reactivateAgent = (operator: OperatorParty, agent: AgentParty): Request =>
  request(
    IdentityService.method.reactivateAgent,
    { operatorId: operator.id, agent: agent.did },
    post(`${agentPath(operator, agent)}/reactivate`, null),
    operator,
  )

/** Replaces the grant of an agent. */
export const setScopes = (operator: OperatorParty, { did }: AgentParty, scopes: readonly string[]): Request =>
  request(
    IdentityService.method.setAgentScopes,
    { operatorId: operator.id, did, allowedScopes: [...scopes] },
    {
      method: 'PATCH',
      path: `/v1/operators/${operator.id}/agents/scopes`,
      body: { did, allowed_scopes: scopes },
    },
    operator,
  )

/** Suspends an operator, as the administrator. */
export const suspendOperator = ({ id }: OperatorParty, admin: Asserter): Request =>
  request(
    OperatorRegistryService.method.suspendOperator,
    { id, reason: REASON },
    post(`/v1/operators/${id}/suspend`, { reason: REASON }),
    admin,
  )

/** Ends the suspension of an operator, as the administrator. */
export const reinstateOperator = ({ id }: OperatorParty, admin: Asserter): Request =>
  request(OperatorRegistryService.method.reinstateOperator, { id }, post(`/v1/operators/${id}/reinstate`, null), admin)

/** Ends all tokens of an operator's agents. */
export const endOperatorTokens = (operator: OperatorParty): Request =>
  request(
    OperatorRegistryService.method.endAllTokens,
    { id: operator.id, reason: REASON },
    post(`/v1/operators/${operator.id}/end-all-tokens`, { reason: REASON }),
    operator,
  )
