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

/** Who gets tokens from which server, and what for unless told otherwise. */
export interface AgentOptions extends ServerOptions, TokenTerms {
  readonly did: string
  readonly key: KeyLike
}

/** What one token is to be good for, and how long to wait for it. */
export interface TokenOptions extends TokenTerms {
  readonly signal?: AbortSignal | undefined
}

/** An agent that always has a token. */
export interface Agent {
  readonly did: string
  /**
   * A token that is good for at least another tenth of its lifetime, or ten seconds. Kept for each set of terms and renewed in the
   * background while it is used, so this seldom waits. Rejects with Auth4AgentError; TypeError for terms that no server takes.
   */
  token(options?: TokenOptions): Promise<string>
  /** As {@link Agent.token}, with all that is known of it. */
  issued(options?: TokenOptions): Promise<IssuedToken>
  /**
   * The platform's fetch with the token in `Authorization`. Rejects with INSECURE_ADDRESS for an address that is neither https nor on
   * loopback. A redirect to another origin is followed without the token. When the answer is 401 with `error="invalid_token"`
   * (RFC 6750 section 3.1), it tries once more with a new token, unless the body was a stream.
   */
  fetch(input: string | URL | Request, init?: RequestInit, options?: TokenTerms): Promise<Response>
  /** Has a new token fetched where this one would be given out: whoever was shown it does not take it. */
  forget(token: string): void
  /** Forgets all tokens and ends what is under way; from then on there is CLOSED only. */
  close(): void
}

const AGENT_NAMES: Names<AgentOptions> = { ...SERVER_NAMES, ...TERM_NAMES, did: true, key: true }
const TOKEN_NAMES: Names<TokenOptions> = { ...TERM_NAMES, signal: true }
/** Kinds of tokens that are kept at the same time; the one longest not asked for leaves. */
const MAX_KINDS = 100

/**
 * Makes an agent. Nothing is sent before its first token is asked for. It keeps no process alive.
 *
 * Throws TypeError for an address that is neither https nor on loopback, a malformed DID, terms that no server takes, and unknown
 * options.
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
      closing.abort(clientError('CLOSED', 'the agent was closed'))
      sources.clear()
    },
  }
}

/** Which token, and for whom. */
type OneToken = Pick<AgentOptions, 'did' | 'key'> & TokenOptions

const ONE_TOKEN_NAMES: Names<ServerOptions & OneToken> = { ...AGENT_NAMES, ...TOKEN_NAMES }

/** One token, for whoever needs no other. Rejects as {@link Agent.token} does. */
export async function authenticate(options: ServerOptions & OneToken, runtime = systemRuntime): Promise<IssuedToken> {
  refuseUnknownNames('option', options, ONE_TOKEN_NAMES)
  return authenticateAt(openServer(options, runtime), options, runtime)
}

/** {@link authenticate} at a server that is open. */
export async function authenticateAt(server: Server, options: OneToken, runtime: Runtime): Promise<IssuedToken> {
  const { did, key, signal = new AbortController().signal } = options
  expectDid(did)
  const terms = bindTerms(options, server.issuer)
  const signer = await toSigner(key)
  return withRetries(runtime, signal, () => requestToken({ server, did, signer, terms, signal }))
}

function expectDid(did: string): void {
  if (parseDid(did) === undefined) throw new TypeError(`this is not the DID of an agent: ${did}`)
}

/** What is not told otherwise is as usual. */
function bindTermsOver(usual: BoundTerms, { scopes, audience, ttl }: TokenTerms, issuer: string): BoundTerms {
  const terms = bindTerms({ scopes, audience, ttl }, issuer)
  return {
    scope: scopes === undefined ? usual.scope : terms.scope,
    audience: audience === undefined ? usual.audience : terms.audience,
    ttl: ttl === undefined ? usual.ttl : terms.ttl,
  }
}
