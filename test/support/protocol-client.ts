import type { AgentParty, Asserter, Keys } from './parties.ts'
import { expectNothingPrivate } from './private-members.ts'

/** A JSON object in an answer. */
export type Json = Readonly<Record<string, unknown>>

/** The answer to a request. */
export interface Answer<T = Json> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

/** Returns the status of an answer with its reason, or `OK` if it has none. */
export function outcomeOf({ status, body: { reason } }: Answer): string {
  return `${status} ${typeof reason === 'string' ? reason : 'OK'}`
}

/** The body with which a version 1 client redeems a challenge. */
export interface TokenBody {
  readonly did: string
  readonly challenge: string
  readonly nonce: string
  readonly signature: string
  readonly scope?: string
  readonly audience?: string
  readonly ttl?: string
}

/** The optional members of a token request. */
export type Wishes = Partial<Pick<TokenBody, 'scope' | 'audience' | 'ttl'>>

/** The REST client of the published protocol, bound to one server. */
export type ProtocolClient = ReturnType<typeof protocolClient>

/**
 * Creates a REST client of the published protocol. It sends the same bytes as clients of version 1: keys and
 * signatures in standard base64, a DID document with plain base64 in publicKeyMultibase, and `null` as the body of
 * calls that need no body. Each call of an operator has a new assertion. The client throws for no status, because
 * tests check the status.
 *
 * @param common headers of every request
 */
export function protocolClient(baseUrl: string, common: Readonly<Record<string, string>> = {}) {
  const send = async <T = Json>(
    method: string,
    path: string,
    body?: string,
    authorization?: string,
  ): Promise<Answer<T>> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        ...common,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    expectNothingPrivate(text)
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as T }
  }
  const post = <T = Json>(path: string, body: object | null) => send<T>('POST', path, JSON.stringify(body))
  const signed = <T = Json>(method: string, path: string, body: object | null, by: Asserter) =>
    send<T>(method, path, JSON.stringify(body), by.assert(`${method} ${path}`))
  return {
    send,
    get: <T = Json>(path: string, by?: Asserter) => send<T>('GET', path, undefined, by?.assert()),
    post,
    signed,

    registerOperator: (domain: string, keys: Keys) =>
      post('/v1/operators', { domain, root_public_key: keys.publicKey.toString('base64') }),
    getOperator: (id: string) => send('GET', `/v1/operators/${id}`),
    instructions: (id: string) => send('GET', `/v1/operators/verify/${id}`),
    confirm: (id: string) => post(`/v1/operators/verify/${id}`, null),

    registerAgent: (operatorId: string, { did, didDocument, publicKey }: AgentParty) =>
      post(`/v1/operators/${operatorId}/agents`, {
        did,
        did_document: didDocument,
        agent_public_key: publicKey,
        operator_id: operatorId,
      }),
    getAgent: (did: string) => send('GET', `/v1/agent/${did}`),
    listAgents: (operatorId: string, by: Asserter, query = '') =>
      send<readonly Json[]>('GET', `/v1/operators/${operatorId}/agents${query}`, undefined, by.assert()),
    setScopes: (operatorId: string, did: string, scopes: readonly string[], by: Asserter) =>
      signed('PATCH', `/v1/operators/${operatorId}/agents/scopes`, { did, allowed_scopes: scopes }, by),
    suspendAgent: (operatorId: string, agent: string, by: Asserter) =>
      signed('POST', `/v1/operators/${operatorId}/agents/${agent}/suspend`, { reason: 'maintenance' }, by),
    reactivateAgent: (operatorId: string, agent: string, by: Asserter) =>
      signed('POST', `/v1/operators/${operatorId}/agents/${agent}/reactivate`, null, by),
    revokeAgent: (operatorId: string, agent: string, by: Asserter) =>
      signed('POST', `/v1/operators/${operatorId}/agents/${agent}/revoke`, { reason: 'retired' }, by),

    challenge: (did: string) => post('/v1/challenge', { did }),
    token: (body: TokenBody) => post('/v1/token', body),
    verify: (token: unknown) => post('/v1/verify', { token }),
    revokeToken: (token: unknown) => post('/v1/revoke/token', { token, reason: 'leaked' }),
    revokeJti: (jti: unknown, by: Asserter) => signed('POST', '/v1/revoke/token', { jti, reason: 'leaked' }, by),
  }
}
