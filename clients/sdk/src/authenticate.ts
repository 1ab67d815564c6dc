import { parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { AGENT_NAMES, type AgentOptions, TOKEN_NAMES, type TokenOptions } from './agent.ts'
import { createDpop } from './dpop.ts'
import type { IssuedToken } from './issued-token.ts'
import { createAgentKeys } from './key-events/agent-keys.ts'
import type { KeyLike } from './keys/signers.ts'
import { requestToken } from './request-token.ts'
import { withRetries } from './retry.ts'
import { type Runtime, systemRuntime } from './runtime.ts'
import { openServer, type Server, type ServerOptions } from './server.ts'
import { bindTerms } from './terms.ts'

/** The agent, its key, and the terms of one token. */
interface OneToken extends Pick<AgentOptions, 'did' | 'key'>, TokenOptions {
  /** The key to bind the token to (DPoP, RFC 9449). Only programs that have this key can use the token. */
  readonly dpop?: KeyLike | undefined
}

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

/** Does the same as {@link authenticate}, at a server that is already open. */
export async function authenticateAt(server: Server, options: OneToken, runtime: Runtime): Promise<IssuedToken> {
  const { did, key, dpop: bindingKey, signal = new AbortController().signal } = options
  expectDid(did)
  // The key of `true` exists only in an agent object, so nobody could use this token.
  if (typeof bindingKey === 'boolean')
    throw new TypeError('dpop must be a key, because one token cannot be used without it')
  const dpop = bindingKey === undefined ? undefined : createDpop(bindingKey, () => server.nowMs())
  const terms = bindTerms(options, server.issuer)
  const keys = createAgentKeys({ key, runtime, server, did })
  return withRetries(runtime, signal, () =>
    keys.use((signer) => requestToken({ server, did, signer, terms, dpop, signal })),
  )
}

/** Throws TypeError for a malformed DID. */
export function expectDid(did: string): void {
  if (parseDid(did) === undefined)
    throw new TypeError(`did must be did:agent:<domain>:<fingerprint>, not ${JSON.stringify(did)}`)
}
