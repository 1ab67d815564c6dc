import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, type Shape } from './answers.ts'
import type { CallOptions } from './call-options.ts'
import type { AgentKeys } from './key-events/agent-keys.ts'
import type { Server } from './server.ts'
import type { AgentSigner } from './signer.ts'
import { bindTerms, type TokenTerms } from './terms.ts'

/** Options of a client assertion. */
export interface ClientAssertionOptions {
  /** The scopes of the token. The server refuses a request for the token that names other scopes. */
  readonly scopes?: TokenTerms['scopes']
  /** The services that the token is for. The server refuses a request for the token that names other services. */
  readonly audience?: TokenTerms['audience']
  /** The lifetime of the assertion in whole seconds, 1 to 270; 60 by default. */
  readonly lifetimeS?: number | undefined
}

const introspection = {
  active: 'flag',
  scope: 'text?',
  client_id: 'text?',
  token_type: 'text?',
  exp: 'count?',
  iat: 'count?',
  nbf: 'count?',
  sub: 'text?',
  aud: 'texts?',
  iss: 'text?',
  jti: 'text?',
  operator_id: 'text?',
  cnf: 'any',
  act: 'any',
  may_act: 'any',
  authorization_details: 'any',
} as const satisfies Shape
/**
 * The server's answer about a token (RFC 7662 section 2.2). If the token is not active, only `active` is set. For a
 * delegated token, `sub` is the agent whose authority is used, and `act` says who uses it.
 */
export type Introspection = Answer<typeof introspection>

/** The agent as a client of the server's OAuth endpoints. */
interface OAuthClient {
  clientAssertion(options?: ClientAssertionOptions): Promise<string>
  introspect(token: string, options?: CallOptions): Promise<Introspection>
  revoke(token: string, options?: CallOptions): Promise<void>
}

interface Client {
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  /** Stops all calls. */
  readonly closing: AbortSignal
}

const ASSERTION_NAMES: Names<ClientAssertionOptions> = { scopes: true, audience: true, lifetimeS: true }
/** The type of client assertions (RFC 7523 section 2.2). */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Creates a client that authenticates with client assertions (RFC 7523 section 2.2). */
export function createOAuthClient({ server, did, keys, closing }: Client): OAuthClient {
  const sign = async (signer: AgentSigner, options: ClientAssertionOptions = {}) => {
    closing.throwIfAborted()
    refuseUnknownNames('option', options, ASSERTION_NAMES)
    const { scopes, audience, lifetimeS } = options
    const terms = bindTerms({ scopes, audience }, server.issuer)
    // Loaded on demand, because most pages do not need it.
    const { signClientAssertion } = await import('@auth4agent/core/identity/client-assertion')
    return signClientAssertion(signer, {
      did,
      issuer: server.issuer,
      nowS: server.nowMs() / 1000,
      lifetimeS,
      scope: scopes === undefined ? undefined : terms.scope,
      resource: audience === undefined ? undefined : terms.audience,
    })
  }
  const post = (path: string, token: string, { signal }: CallOptions = {}) =>
    keys.use(async (signer) => {
      const body = new URLSearchParams({
        token,
        client_id: did,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await sign(signer),
      })
      const stop = signal === undefined ? closing : AbortSignal.any([signal, closing])
      stop.throwIfAborted()
      return server.transport({ method: 'POST', path, body, signal: stop })
    })
  return {
    clientAssertion: async (options) => sign(await keys.current(), options),
    introspect: async (token, options) => readAnswer(introspection, await post('/oauth/introspect', token, options)),
    async revoke(token, options) {
      await post('/oauth/revoke', token, options)
    },
  }
}
