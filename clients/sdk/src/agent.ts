import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { clientError } from './errors.ts'
import { authorizedFetch } from './fetch.ts'
import type { IssuedToken } from './issued-token.ts'
import { type KeyLike, toSigner } from './keys/signers.ts'
import { requestToken } from './request-token.ts'
import { withRetries } from './retry.ts'
import { type Runtime, systemRuntime } from './runtime.ts'
import { openServer, SERVER_NAMES, type Server, type ServerOptions } from './server.ts'
import type { Signer } from './signer.ts'
import { type BoundTerms, bindTerms, TERM_NAMES, type TokenTerms } from './terms.ts'
import { TokenSource } from './token-source.ts'

/** Options of {@link createAgent}. The terms (`scopes`, `audience`, `ttl`) are the defaults for every token. */
export interface AgentOptions extends ServerOptions, TokenTerms {
  readonly did: string
  readonly key: KeyLike
}

/** Options of one call of {@link Agent.token}: the terms of the token, and a signal that stops the call. */
export interface TokenOptions extends TokenTerms {
  readonly signal?: AbortSignal | undefined
}

/** An agent that gets its own tokens and renews them. */
export interface Agent {
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
   * Calls the platform's fetch with the token in the header `Authorization`. Follows a redirect to another origin
   * without the token. If the answer is 401 with `error="invalid_token"` (RFC 6750 section 3.1), it sends the request
   * once more with a new token, unless the body was a stream.
   *
   * Rejects with INSECURE_ADDRESS for an address that is neither https nor on loopback.
   *
   * @example
   *
   * ```ts
   * const response = await agent.fetch('https://api.example.com/orders')
   * ```
   */
  fetch(input: string | URL | Request, init?: RequestInit, options?: TokenTerms): Promise<Response>
  /** Forgets a token that a service did not accept. The next call of `token` requests a new token. */
  forget(token: string): void
  /** Forgets all tokens and stops all work. After that, every call rejects with CLOSED. */
  close(): void
}

const AGENT_NAMES: Names<AgentOptions> = { ...SERVER_NAMES, ...TERM_NAMES, did: true, key: true }
const TOKEN_NAMES: Names<TokenOptions> = { ...TERM_NAMES, signal: true }
/** The most sets of terms for which an agent keeps a token. Beyond that, it removes the least recently used set. */
const MAX_KINDS = 100

/**
 * Creates an agent. The agent sends nothing before the first token is needed, and does not keep the process alive.
 *
 * Throws TypeError for a server address that is neither https nor on loopback, for a malformed DID, for terms that no
 * server accepts, and for unknown options.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const agent = createAgent({
 *   server: 'https://auth.example.com',
 *   did: 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227',
 *   key: await readKeyFile('agent.key'),
 *   scopes: ['orders:read'],
 *   audience: 'https://api.example.com',
 * })
 * const response = await agent.fetch('https://api.example.com/orders')
 * ```
 */
export function createAgent(options: AgentOptions, runtime: Runtime = systemRuntime): Agent {
  refuseUnknownNames('option', options, AGENT_NAMES)
  const { did, key } = options
  expectDid(did)
  const server = openServer(options, runtime)
  const usual = bindTerms(options, server.issuer)
  const sources = new Map<string, TokenSource>()
  let signer: Promise<Signer> | undefined
  const closing = new AbortController()

  const sourceOf = (terms: BoundTerms): TokenSource => {
    const name = JSON.stringify(terms)
    const source =
      sources.get(name) ??
      new TokenSource(
        async (signal) => {
          signer ??= toSigner(key)
          return requestToken({ server, did, signer: await signer, terms, signal })
        },
        runtime,
        closing.signal,
      )
    // A Map iterates in order of insertion: putting the entry back last makes the first one the oldest.
    sources.delete(name)
    sources.set(name, source)
    if (sources.size > MAX_KINDS) sources.delete(sources.keys().next().value ?? name)
    return source
  }

  const issued = async (wanted: TokenOptions = {}): Promise<IssuedToken> => {
    closing.signal.throwIfAborted()
    refuseUnknownNames('option', wanted, TOKEN_NAMES)
    const { signal, ...terms } = wanted
    return sourceOf(bindTermsOver(usual, terms, server.issuer)).get(signal)
  }
  const token = async (wanted?: TokenOptions) => (await issued(wanted)).token
  const forget = (text: string) => {
    for (const source of sources.values()) source.forget(text)
  }
  return {
    did,
    token,
    issued,
    forget,
    fetch: authorizedFetch({ token, forget, fetch: options.fetch }),
    close() {
      closing.abort(clientError('CLOSED', 'The agent was closed'))
      sources.clear()
    },
  }
}

/** The agent, its key, and the terms of one token. */
type OneToken = Pick<AgentOptions, 'did' | 'key'> & TokenOptions

const ONE_TOKEN_NAMES: Names<ServerOptions & OneToken> = { ...AGENT_NAMES, ...TOKEN_NAMES }

/**
 * Gets one token, for programs that need only one. Use {@link createAgent} to keep and renew tokens.
 *
 * Rejects as {@link Agent.token} does.
 *
 * @example
 *
 * ```ts
 * import { authenticate } from '@auth4agent/sdk'
 *
 * const { token, expiresAt } = await authenticate({
 *   server: 'https://auth.example.com',
 *   did: 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227',
 *   key: seed,
 *   scopes: ['orders:read'],
 * })
 * ```
 */
export async function authenticate(options: ServerOptions & OneToken, runtime = systemRuntime): Promise<IssuedToken> {
  refuseUnknownNames('option', options, ONE_TOKEN_NAMES)
  return authenticateAt(openServer(options, runtime), options, runtime)
}

/** Does the same as {@link authenticate} at a server that is already open. */
export async function authenticateAt(server: Server, options: OneToken, runtime: Runtime): Promise<IssuedToken> {
  const { did, key, signal = new AbortController().signal } = options
  expectDid(did)
  const terms = bindTerms(options, server.issuer)
  const signer = await toSigner(key)
  return withRetries(runtime, signal, () => requestToken({ server, did, signer, terms, signal }))
}

function expectDid(did: string): void {
  if (parseDid(did) === undefined)
    throw new TypeError(`did must be did:agent:<domain>:<fingerprint>, not ${JSON.stringify(did)}`)
}

/** Uses the agent's default for each term that the call leaves out. */
function bindTermsOver(usual: BoundTerms, { scopes, audience, ttl }: TokenTerms, issuer: string): BoundTerms {
  const terms = bindTerms({ scopes, audience, ttl }, issuer)
  return {
    scope: scopes === undefined ? usual.scope : terms.scope,
    audience: audience === undefined ? usual.audience : terms.audience,
    ttl: ttl === undefined ? usual.ttl : terms.ttl,
  }
}
