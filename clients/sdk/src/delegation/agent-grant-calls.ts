import type { Constraint } from '@auth4agent/core/delegation/constraint'
import type { Names } from '@auth4agent/core/names/unknown-name'
import type { AuthorizationHeaders } from '../dpop.ts'
import type { IssuedToken } from '../issued-token.ts'

/** The constraint of an argument. A call may leave out an optional argument. */
export type GrantConstraint = Constraint & { readonly optional?: boolean | undefined }

/**
 * Capabilities, each with the constraints of its arguments. A capability is `<audience>#<scope>`. `{}` allows all
 * arguments. Otherwise a call may only have the named arguments; the name `*` with a wildcard allows all others.
 *
 * @example
 *
 * ```ts
 * import type { GrantCapabilities } from '@auth4agent/sdk'
 *
 * const capabilities: GrantCapabilities = {
 *   'https://api.acme.example#orders:read': {},
 *   'https://pay.acme.example#pay': {
 *     amount: { constraint_type: 'range', max: 500 },
 *     currency: { constraint_type: 'one_of', values: ['EUR', 'USD'], optional: true },
 *   },
 * }
 * ```
 */
export type GrantCapabilities = Readonly<Record<string, Readonly<Record<string, GrantConstraint>>>>

/** Options of {@link AgentGrantCalls.requestGrant}. */
export interface GrantOptions {
  readonly capabilities: GrantCapabilities
  /** The lifetime: a duration such as `10m`, or a number of seconds; at most an hour. */
  readonly expires: string | number
  /** How many times the grant may be handed on, 0 to 8; by default once. */
  readonly depth?: number | undefined
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link AgentGrantCalls.delegate}. */
export interface DelegateOptions extends GrantOptions {
  /** The DID of the agent that gets the grant. */
  readonly to: string
  /** How many times that agent may hand its grant on; by default it may not. */
  readonly depth?: number | undefined
  /** The domains to whose agents the grant may be handed on; by default those of the parent. */
  readonly domains?: readonly string[] | undefined
}

/** A root grant: the first grant of a chain. */
export interface RootGrant {
  /** The grant, which is also the text of the chain. */
  readonly grant: string
  /** The id, by which an operator can revoke it. */
  readonly grantId: string
  readonly expiresAt: Date
  /** How many times it may be handed on. */
  readonly depth: number
  /** The domains to whose agents it may be handed on. */
  readonly domains: readonly string[]
}

/**
 * Options of {@link AgentGrantCalls.exchange}. Without scopes and capabilities, they are all that the grant allows.
 */
export interface ExchangeOptions {
  /** The services that the token is for: 1 to 8 URLs, exactly as the grant names them. */
  readonly audience: string | readonly string[]
  /** The scopes of the token. The grant must allow them without constraints, at each of the services. */
  readonly scopes?: readonly string[] | undefined
  /** Capabilities of the token with constraints, as narrow as those of the grant. */
  readonly capabilities?: GrantCapabilities | undefined
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Options of {@link AgentGrantCalls.actForUser}. By default, the token is for all audiences and scopes of the ID-JAG.
 */
export interface ActForUserOptions {
  /** The services that the token is for: some of those that the ID-JAG names in `resource`. */
  readonly audience?: string | readonly string[] | undefined
  /** The scopes of the token: some of those of the ID-JAG. */
  readonly scopes?: readonly string[] | undefined
  /** Stops the call. */
  readonly signal?: AbortSignal | undefined
}

/** A token with which the agent acts for a user, and the calls that use it. */
export interface UserAuthority extends IssuedToken {
  /** The user of the server, such as `user:alice`. */
  readonly user: string
  /** Does the same as {@link Agent.fetch}, for the user. It gets no new token: redeem a new ID-JAG. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Resolves with the headers that carry the token in one request, as {@link Agent.authorization} does. */
  authorization(method: string, url: string | URL, nonce?: string): Promise<AuthorizationHeaders>
}

/** The calls that request and give grants. */
export type GivingCalls = Pick<AgentGrantCalls, 'requestGrant' | 'delegate'>

/** The calls for grants. They need the identity key, and reject with Auth4AgentError. */
export interface AgentGrantCalls {
  /**
   * Requests a grant from the server. The server must allow the agent to delegate (`max_delegation_depth`). Most
   * programs use {@link AgentGrantCalls.delegate}, which requests the grant itself.
   *
   * Rejects with the server's reason, such as DELEGATION_NOT_ALLOWED or SCOPE_NOT_ALLOWED, and with a reason such as
   * MALFORMED_CONSTRAINT for capabilities that no server accepts.
   *
   * @example
   *
   * ```ts
   * const { grant } = await agent.requestGrant({
   *   capabilities: { 'https://api.acme.example#orders:read': {} },
   *   expires: '10m',
   * })
   * ```
   */
  requestGrant(options: GrantOptions): Promise<RootGrant>
  /**
   * Gives another agent a part of the authority of this agent. Resolves with a chain of grants, which only that agent
   * can use: it passes the chain as `grant` to `createAgent`.
   *
   * With the option `grant`, the agent hands on a part of that grant, without asking the server for it. Otherwise it
   * requests a grant with exactly these capabilities first. The server is asked for the key of the other agent, at
   * most once a minute.
   *
   * The grant is checked by the rules of the services before it leaves the agent. So the call rejects with a reason
   * such as CONSTRAINT_WIDENED, LIFETIME_EXTENDED or HOLDER_NOT_ALLOWED, and the message says what is right. It
   * rejects with the server's reason, such as AGENT_NOT_ACTIVE, if the other agent gets no statement.
   *
   * @example
   *
   * ```ts
   * const chain = await agent.delegate({
   *   to: 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227',
   *   capabilities: { 'https://pay.acme.example#pay': { amount: { constraint_type: 'range', max: 100 } } },
   *   expires: '10m',
   * })
   * ```
   */
  delegate(options: DelegateOptions): Promise<string>
  /**
   * Exchanges the chain of the option `grant` for an access token (RFC 8693), for services that accept no chains. The
   * token names the first holder of the chain in `sub` and this agent in `act`. It is bound to the identity key, and
   * expires no later than the grant. {@link Agent.fetch} does this itself. The agent keeps the token for each set of
   * terms, and renews it as its own tokens.
   *
   * Rejects with the server's reason, such as SCOPE_NOT_ALLOWED, AUDIENCE_NOT_ALLOWED or TOKEN_REVOKED.
   *
   * @example
   *
   * ```ts
   * const { token } = await agent.exchange({ audience: 'https://api.acme.example', scopes: ['orders:read'] })
   * ```
   */
  exchange(options: ExchangeOptions): Promise<IssuedToken>
  /**
   * Redeems an ID-JAG, with which an identity provider lets this agent act for a user, for a token. The token names
   * the user in `sub` and this agent in `act`. It is bound to the key of the agent, and lives at most 5 minutes. An
   * ID-JAG can be redeemed once.
   *
   * Rejects with the server's reason, such as GRANT_NOT_ACCEPTED, GRANT_USED or SCOPE_NOT_ALLOWED, and with TypeError
   * for a text that is no ID-JAG.
   *
   * @example
   *
   * ```ts
   * const alice = await agent.actForUser(idJag, { scopes: ['customers:read'] })
   * const response = await alice.fetch('https://api.acme.example/customers')
   * ```
   */
  actForUser(idJag: string, options?: ActForUserOptions): Promise<UserAuthority>
}

const GRANT_NAMES: Names<GrantOptions> = { capabilities: true, expires: true, depth: true, signal: true }
/** The option names of the calls. */
export const GRANT_CALL_NAMES: {
  readonly requestGrant: Names<GrantOptions>
  readonly delegate: Names<DelegateOptions>
  readonly exchange: Names<ExchangeOptions>
  readonly actForUser: Names<ActForUserOptions>
} = {
  requestGrant: GRANT_NAMES,
  delegate: { ...GRANT_NAMES, to: true, domains: true },
  exchange: { audience: true, scopes: true, capabilities: true, signal: true },
  actForUser: { audience: true, scopes: true, signal: true },
}
