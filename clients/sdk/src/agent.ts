import type { Names } from '@auth4agent/core/names/unknown-name'
import type { EvidenceSources } from './attestation/evidence-source.ts'
import type { CallOptions } from './call-options.ts'
import type { AgentGrantCalls } from './delegation/agent-grant-calls.ts'
import type { AuthorizationHeaders } from './dpop.ts'
import type { IssuedToken } from './issued-token.ts'
import type { AgentKeyCalls } from './key-events/agent-key-calls.ts'
import type { KeyStore } from './key-events/key-store.ts'
import type { KeyRotation } from './key-events/schedule-rotation.ts'
import type { KeyLike } from './keys/signers.ts'
import type { ClientAssertionOptions, Introspection } from './oauth-client.ts'
import { SERVER_NAMES, type ServerOptions } from './server.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'

/** Options of {@link createAgent}. The terms (`scopes`, `audience`, `ttl`) are the defaults for every token. */
export interface AgentOptions extends ServerOptions, TokenTerms {
  readonly did: string
  /** The identity key, an added key, or a store of the identity key and the keys that come next. */
  readonly key: KeyLike | KeyStore
  /**
   * The age at which the agent rotates its identity key in the background, such as `30d`; at least an hour. It needs a
   * key store. The rotation begins up to a tenth of the age later, so that a fleet of agents does not rotate at once.
   * The agent works on if a rotation fails, and tries again later.
   */
  readonly keyRotation?: string | undefined
  /**
   * Called after each rotation in the background, and each failure. Without it, failures are warnings of the process.
   */
  readonly onKeyRotation?: ((rotation: KeyRotation) => void) | undefined
  /**
   * Binds every token to a key (DPoP, RFC 9449), so that a stolen token is useless without the key. `true` generates a
   * key for this object, which no script can export if the platform's WebCrypto has Ed25519.
   */
  readonly dpop?: boolean | KeyLike | undefined
  /**
   * The chain of grants that another agent has given to this agent, or a function that gets one. `fetch` and
   * `authorization` then use the grant in place of a token of the agent itself. A function is called again ahead of
   * the expiry, because a grant lasts at most an hour.
   */
  readonly grant?: string | (() => Promise<string>) | undefined
  /**
   * How `fetch` and `authorization` use the grant. By default, `fetch` reads the metadata of the API (RFC 9728), and
   * exchanges the chain if the metadata is there and does not say that the API accepts chains.
   */
  readonly delegation?: GrantUse | undefined
  /**
   * The other deployments at which `fetch` gets tokens: their issuers, or `true` for all to which the agent's operator
   * lets it go by `chains-to` statements. `fetch` then reads the metadata of each API (RFC 9728) before it sends a
   * token. It sends a token of the agent's own server only to APIs whose metadata names this server, or that have no
   * metadata. Without the option, `fetch` sends the agent's own token to every API.
   */
  readonly otherDeployments?: true | readonly string[] | undefined
  /** The id of the agent's operator, a UUID. Only for an agent with `attest`, which needs it. */
  readonly operator?: string | undefined
  /**
   * The sources of evidence with which the agent attests, if requirements of its operator need results of attestation:
   * one source, or up to 4, all of which are used. The agent attests when the server demands it, and then again ahead
   * of the expiry, before it gets a token.
   */
  readonly attest?: EvidenceSources | undefined
}

/**
 * How an agent uses its grant, with a proof by its identity key: `chain` sends the chain of grants. `exchange` sends
 * an access token that the server gives for the chain (RFC 8693).
 */
export type GrantUse = 'chain' | 'exchange'

/** Options of one call of {@link Agent.token}: the terms of the token, and a signal. */
export interface TokenOptions extends TokenTerms, CallOptions {}

/**
 * Options of one call of {@link Agent.fetch}: the terms of the token, and for an agent with a grant, how to use it.
 */
export interface FetchOptions extends TokenTerms {
  /**
   * Used instead of the agent's own option `delegation`. Only with 'exchange', `scopes` and `audience` are allowed.
   */
  readonly delegation?: GrantUse | undefined
}

/** Options of one call of {@link Agent.issuedFor}. */
export interface ChainedOptions extends CallOptions {
  /** The scopes at the agent's own deployment, which its operator's statement maps. By default those of the agent. */
  readonly scopes?: TokenTerms['scopes']
}

/** Options of {@link Agent.authorization}. */
export interface AuthorizationOptions extends FetchOptions, CallOptions {
  /**
   * The nonce that the API demands in the proof (RFC 9449 section 9), from its header `DPoP-Nonce`. Later proofs for
   * the API contain it too. A malformed nonce is ignored.
   */
  readonly nonce?: string | undefined
}

/** An agent that gets its own tokens and renews them. */
export interface Agent extends AgentKeyCalls, AgentGrantCalls {
  readonly did: string
  /**
   * Resolves with a token. The token is valid for at least a tenth of its lifetime more, or for 10 s more if that is
   * less. The agent keeps a token for each set of terms and renews it in the background while it is used, so this call
   * seldom waits.
   *
   * Rejects with Auth4AgentError, with TypeError for terms that no server accepts, and with the signal's reason when
   * the signal aborts.
   *
   * @example
   *
   * ```ts
   * const token = await agent.token({ scopes: ['orders:write'], ttl: '90s' })
   * ```
   */
  token(options?: TokenOptions): Promise<string>
  /**
   * Does the same as {@link Agent.token}, and resolves with the token, its times, its scope and its id.
   *
   * @example
   *
   * ```ts
   * const { token, expiresAt, jti } = await agent.issued()
   * ```
   */
  issued(options?: TokenOptions): Promise<IssuedToken>
  /**
   * Resolves with a token of another deployment for one of its APIs. The metadata of the API (RFC 9728) names the
   * deployment. The agent's own server decides whether the agent may go there, by the `chains-to` statement of its
   * operator, and gives it a grant (RFC 8693). The other deployment gives a token for the grant (RFC 7523). The token
   * is bound to the identity key. The agent keeps and renews it as every other token.
   *
   * Rejects with Auth4AgentError. A message that begins with `At https://…` is from the other deployment.
   *
   * @example
   *
   * ```ts
   * const { token, expiresAt } = await agent.issuedFor('https://api.cargo.example/v1', { scopes: ['orders:read'] })
   * ```
   */
  issuedFor(resource: string, options?: ChainedOptions): Promise<IssuedToken>
  /**
   * Calls the platform's fetch with the token in the header `Authorization`. If the token is bound to a key, each
   * request also has a new proof in the header `DPoP` (RFC 9449 section 7). Follows a redirect to another origin
   * without both.
   *
   * Sends the request once more, unless the body was a stream, if the answer is 401 and its header `WWW-Authenticate`
   * has
   * - `error="invalid_token"` (RFC 6750 section 3.1), with a new token
   * - `error="use_dpop_nonce"` (RFC 9449 section 9), with a proof that contains the nonce of the answer.
   *
   * With the option `grant`, the request carries the chain of grants, or an access token for it. The token is for the
   * audience of the grant to which the address belongs, with everything that the grant allows there.
   *
   * With the option `otherDeployments`, an API of another deployment gets a token of that deployment, as
   * {@link Agent.issuedFor} describes.
   *
   * Rejects with INSECURE_ADDRESS for an address that is neither https nor on loopback, and with GRANT_NOT_HELD or
   * GRANT_EXPIRED if the agent cannot use its grant.
   *
   * @example
   *
   * ```ts
   * const response = await agent.fetch('https://api.example.com/orders')
   * ```
   */
  fetch(input: string | URL | Request, init?: RequestInit, options?: FetchOptions): Promise<Response>
  /**
   * Does the same as {@link Agent.fetch}, for the transport of an MCP client. With a chain of grants, it adds a call
   * proof to each message that calls a tool: a signature by the identity key over the tool and its arguments. The
   * server demands it with a chain. It changes only a body that is a text with one such message.
   *
   * @example
   *
   * ```ts
   * import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
   *
   * const url = new URL('https://api.example.com/mcp')
   * const transport = new StreamableHTTPClientTransport(url, { fetch: agent.mcpFetch })
   * ```
   */
  readonly mcpFetch: (input: string | URL | Request, init?: RequestInit, options?: TokenTerms) => Promise<Response>
  /**
   * Resolves with the headers that carry the token in one request, for programs that cannot use {@link Agent.fetch},
   * such as for WebSockets. If the token is bound to a key, the headers are valid for one request with exactly this
   * method and this URL; the query does not count.
   *
   * With the option `grant`, they carry the chain of grants, or with `delegation: 'exchange'` a token for it. This
   * call reads no metadata.
   *
   * Rejects as {@link Agent.token} does, and with INSECURE_ADDRESS for an address that is neither https nor on
   * loopback.
   *
   * @example
   *
   * ```ts
   * const headers = await agent.authorization('GET', 'wss://api.example.com/events')
   * const socket = new WebSocket('wss://api.example.com/events', { headers })
   * ```
   */
  authorization(method: string, url: string | URL, options?: AuthorizationOptions): Promise<AuthorizationHeaders>
  /**
   * Signs a client assertion (private_key_jwt, RFC 7523 section 2.2), with which the agent authenticates at the
   * server's OAuth endpoints. It is valid once, and only at this server. Use it with an OAuth library that cannot use
   * the key itself; other libraries take the key from `exportPrivateJwk`.
   *
   * Rejects with TypeError or RangeError for options that no server accepts.
   *
   * @example
   *
   * ```ts
   * const form = new URLSearchParams({
   *   grant_type: 'client_credentials',
   *   client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
   *   client_assertion: await agent.clientAssertion(),
   * })
   * ```
   */
  clientAssertion(options?: ClientAssertionOptions): Promise<string>
  /**
   * Asks the server whether a token is active (RFC 7662). The server tells an agent only about tokens of its own
   * operator and about tokens for the audiences of its operator. It says that any other token is not active.
   *
   * The server checks neither audience nor scope. If the answer has `cnf`, the token is only valid with a proof of
   * that key, which the server does not check either. Rejects with Auth4AgentError.
   *
   * A chain of grants is never active here, because its `sub` is not its sender. `openCalls` verifies chains, with the
   * scope and the arguments of the call.
   *
   * @example
   *
   * ```ts
   * const { active, sub, scope } = await agent.introspect(token)
   * ```
   */
  introspect(token: string, options?: CallOptions): Promise<Introspection>
  /**
   * Revokes a token of this agent (RFC 7009), and forgets it. Resolves also if the text is not a token of this agent,
   * and then revokes nothing. Rejects with Auth4AgentError.
   *
   * With a chain of grants, it revokes the last grant and everything derived from it. This agent must be a holder in
   * the chain.
   *
   * @example
   *
   * ```ts
   * await agent.revoke(await agent.token())
   * ```
   */
  revoke(token: string, options?: CallOptions): Promise<void>
  /** Forgets a token that a service did not accept. The next call of `token` requests a new token. */
  forget(token: string): void
  /** Forgets all tokens and stops all work. After that, every call rejects with CLOSED. */
  close(): void
}

/** The option names of {@link createAgent}. */
export const AGENT_NAMES: Names<AgentOptions> = {
  ...SERVER_NAMES,
  ...TERM_NAMES,
  did: true,
  key: true,
  keyRotation: true,
  onKeyRotation: true,
  dpop: true,
  grant: true,
  delegation: true,
  otherDeployments: true,
  operator: true,
  attest: true,
}
/** The option names of {@link Agent.token}. */
export const TOKEN_NAMES: Names<TokenOptions> = { ...TERM_NAMES, signal: true }
/** The option names of {@link Agent.issuedFor}. */
export const TOKEN_FOR_NAMES: Names<ChainedOptions> = { scopes: true, signal: true }
