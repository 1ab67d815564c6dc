import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type ChainedOptions, type FetchOptions, TOKEN_FOR_NAMES } from '../agent.ts'
import { type Dpop, dpopOf } from '../dpop.ts'
import { Auth4AgentError, clientError } from '../errors.ts'
import { authorizedFetch } from '../fetch.ts'
import type { IssuedToken } from '../issued-token.ts'
import { keepTokens } from '../keep-tokens.ts'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import { Nonces } from '../nonces.ts'
import type { Runtime } from '../runtime.ts'
import { expectSecureUrl } from '../secure-address.ts'
import type { Server } from '../server.ts'
import { createApiFinder, type ForeignApi } from './find-deployment.ts'
import { requestChained } from './request-chained.ts'

/** The agent, as the code for other deployments uses it. */
export interface Traveller {
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  readonly runtime: Runtime
  readonly fetch: typeof globalThis.fetch | undefined
  readonly allowed: true | readonly string[]
  readonly closing: AbortSignal
  /** Resolves with a token of the agent for its own server. */
  readonly ownToken: (scope: string, signal: AbortSignal) => Promise<string>
  readonly forgetOwn: (token: string) => void
  /** Returns the scopes of a call, or those that the agent asks for if the call names none. */
  readonly scopeOf: (scopes: readonly string[] | undefined) => string
}

type Input = string | URL | Request

/** An agent's tokens of other deployments. */
export interface OtherDeployments {
  /** Calls an API of another deployment. Resolves with undefined if the API does not belong to another deployment. */
  fetch(input: Input, init?: RequestInit, options?: FetchOptions): Promise<Response | undefined>
  issuedFor(resource: string, options?: ChainedOptions): Promise<IssuedToken>
  forget(token: string): void
  clear(): void
}

interface Terms {
  readonly issuer: string
  readonly resource: string
  readonly scope: string
}

/** Reasons for which a grant is refused because of the agent's own token. */
const OF_OWN_TOKEN = new Set([
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'TOKEN_EXPIRED',
  'UNKNOWN_KEY',
])

/** Prepares an agent's tokens of other deployments. Nothing is sent before the first call. */
export function openOtherDeployments(traveller: Traveller): OtherDeployments {
  const { server, did, keys, runtime, fetch, allowed, closing, ownToken, forgetOwn, scopeOf } = traveller
  const nonces = new Nonces()
  const find = createApiFinder({ fetch, runtime, home: server.issuer, allowed })
  const request = async ({ issuer, resource, scope }: Terms, signal: AbortSignal) => {
    const subjectToken = await ownToken(scope, signal)
    const order = { server, did, subjectToken, scope, issuer, resource, fetch, runtime, nonces, signal }
    return keys
      .use((signer) => requestChained({ ...order, signer }))
      .catch((error: unknown) => {
        if (error instanceof Auth4AgentError && OF_OWN_TOKEN.has(error.reason)) forgetOwn(subjectToken)
        throw error
      })
  }
  const tokens = keepTokens(request, runtime, closing)
  const issuedAt = async ({ resource, issuers }: ForeignApi, scope: string, signal: AbortSignal | undefined) => {
    if (scope === '') throw new TypeError('scopes must not be empty for a token of another deployment')
    let refusal: unknown
    for (const issuer of issuers) {
      try {
        return await tokens.of({ issuer, resource, scope }).get(signal)
      } catch (error) {
        refusal ??= error
        // The API may name a deployment to which the operator lets its agents go.
        if (!(error instanceof Auth4AgentError) || error.reason !== 'AUDIENCE_NOT_ALLOWED') throw error
      }
    }
    throw refusal
  }
  // The proof is by the key that signed the grant's assertion, the identity key.
  const dpop: Dpop = dpopOf(
    () => keys.current(),
    () => server.nowMs(),
    nonces,
  )
  const forget = (token: string) => tokens.forget(token)
  return {
    async fetch(input, init, options = {}) {
      // A request is not made of the arguments here, because that would use up a body that is a stream.
      const url = input instanceof Request ? input.url : new Request(input).url
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
      expectSecureUrl(url)
      const api = await find(url, signal)
      if (api === undefined) return undefined
      const token = async ({ scopes, signal: stop }: ChainedOptions) => {
        return (await issuedAt(api, scopeOf(scopes), stop)).token
      }
      return authorizedFetch({ token, forget, dpop, fetch })(input, init, options)
    },
    async issuedFor(resource, options = {}) {
      refuseUnknownNames('option', options, TOKEN_FOR_NAMES)
      closing.throwIfAborted()
      const { scopes, signal } = options
      expectSecureUrl(resource)
      const api = await find(new URL(resource).href, signal)
      if (api !== undefined) return issuedAt(api, scopeOf(scopes), signal)
      throw clientError('UNEXPECTED_ANSWER', `${resource} has no metadata (RFC 9728) that names another deployment`)
    },
    forget,
    clear: () => tokens.clear(),
  }
}
