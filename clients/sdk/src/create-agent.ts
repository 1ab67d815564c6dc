import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { AGENT_NAMES, type Agent, type AgentOptions, TOKEN_NAMES, type TokenOptions } from './agent.ts'
import { expectDid } from './authenticate.ts'
import { authorizationHeaders, createDpop } from './dpop.ts'
import { clientError } from './errors.ts'
import { authorizedFetch } from './fetch.ts'
import type { IssuedToken } from './issued-token.ts'
import { toSigner } from './keys/signers.ts'
import { createOAuthClient } from './oauth-client.ts'
import { requestToken } from './request-token.ts'
import { type Runtime, systemRuntime } from './runtime.ts'
import { expectSecureUrl } from './secure-address.ts'
import { openServer } from './server.ts'
import type { Signer } from './signer.ts'
import { type BoundTerms, bindTerms, type TokenTerms } from './terms.ts'
import { TokenSource } from './token-source.ts'

/** The most sets of terms for which an agent keeps a token. Beyond that, it removes the least recently used set. */
const MAX_KINDS = 100
/** The scheme of a WebSocket, which begins as an HTTP request (RFC 6455 section 4.1). */
const WEB_SOCKET = /^ws(s?)(?=:)/i

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
 *   dpop: true,
 * })
 * const response = await agent.fetch('https://api.example.com/orders')
 * ```
 */
export function createAgent(options: AgentOptions, runtime: Runtime = systemRuntime): Agent {
  refuseUnknownNames('option', options, AGENT_NAMES)
  const { did, key, dpop: bindingKey } = options
  expectDid(did)
  const server = openServer(options, runtime)
  const dpop =
    bindingKey === undefined || bindingKey === false ? undefined : createDpop(bindingKey, () => server.nowMs())
  const usual = bindTerms(options, server.issuer)
  const closing = new AbortController()
  let signer: Promise<Signer> | undefined
  const load = () => (signer ??= toSigner(key))

  const request = async (terms: BoundTerms, signal: AbortSignal) =>
    requestToken({ server, did, signer: await load(), terms, dpop, signal })
  const tokens = keepTokens(request, runtime, closing.signal)
  const issued = async (wanted: TokenOptions = {}): Promise<IssuedToken> => {
    closing.signal.throwIfAborted()
    refuseUnknownNames('option', wanted, TOKEN_NAMES)
    const { signal, ...terms } = wanted
    return tokens.of(bindTermsOver(usual, terms, server.issuer)).get(signal)
  }
  const token = async (wanted?: TokenOptions) => (await issued(wanted)).token
  const forget = (text: string) => tokens.forget(text)
  const oauth = createOAuthClient({ server, did, signer: load, closing: closing.signal })
  return {
    did,
    token,
    issued,
    forget,
    fetch: authorizedFetch({ token, forget, dpop, fetch: options.fetch }),
    async authorization(method, url, { nonce, ...wanted } = {}) {
      const at = String(url).replace(WEB_SOCKET, 'http$1')
      expectSecureUrl(at)
      const given = dpop?.nonces.learn(new URL(at).origin, nonce ?? null)
      return authorizationHeaders(await token(wanted), dpop, { method, url: new URL(at).href, nonce: given })
    },
    clientAssertion: (how) => oauth.clientAssertion(how),
    introspect: (text, how) => oauth.introspect(text, how),
    async revoke(text, how) {
      forget(text)
      await oauth.revoke(text, how)
    },
    close() {
      closing.abort(clientError('CLOSED', 'The agent was closed'))
      tokens.clear()
    },
  }
}

/** Keeps a token for each set of terms. */
function keepTokens(
  request: (terms: BoundTerms, signal: AbortSignal) => Promise<IssuedToken>,
  runtime: Runtime,
  closing: AbortSignal,
) {
  const sources = new Map<string, TokenSource>()
  return {
    of(terms: BoundTerms): TokenSource {
      const name = JSON.stringify(terms)
      const source = sources.get(name) ?? new TokenSource((signal) => request(terms, signal), runtime, closing)
      // A Map iterates in order of insertion: putting the entry back last makes the first one the oldest.
      sources.delete(name)
      sources.set(name, source)
      if (sources.size > MAX_KINDS) sources.delete(sources.keys().next().value ?? name)
      return source
    },
    forget(token: string): void {
      for (const source of sources.values()) source.forget(token)
    },
    clear: () => sources.clear(),
  }
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
