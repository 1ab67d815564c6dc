import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { signClientAssertion } from '@auth4agent/core/identity/client-assertion'
import { dpopOf } from '../dpop.ts'
import { Auth4AgentError, clientError } from '../errors.ts'
import { type IssuedToken, payloadOf, readIssuedToken } from '../issued-token.ts'
import type { Nonces } from '../nonces.ts'
import { ASSERTION_TYPE } from '../oauth-client.ts'
import { postWithProof } from '../prove-call.ts'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import type { ExchangeTerms } from './exchange-terms.ts'
import type { HeldChain } from './held-grant.ts'

/** The agent, its chain, and the terms of the token. */
interface ExchangeOrder {
  readonly server: Server
  readonly did: string
  readonly signer: AgentSigner
  readonly held: HeldChain
  readonly terms: ExchangeTerms
  /** The nonces for proofs at the server. */
  readonly nonces: Nonces
  readonly signal: AbortSignal
}

const TOKEN_PATH = '/oauth/token'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const CHAIN_TYPE = 'urn:auth4agent:token-type:grant-chain'
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Exchanges a chain for an access token (RFC 8693), which is bound to the identity key of the agent. Rejects with
 * Auth4AgentError. The reason is UNEXPECTED_ANSWER if the token is for another agent, or has other terms.
 */
export async function exchangeChain(order: ExchangeOrder): Promise<IssuedToken> {
  const { server, did, signer, held, terms, nonces, signal } = order
  // Fails early if another server answers at the address.
  await server.discover(signal)
  const dpop = dpopOf(
    async () => signer,
    () => server.nowMs(),
    nonces,
  )
  const answer = await postWithProof(server, { dpop, path: TOKEN_PATH, signal, body: () => formOf(order) })
  const { access_token: token, token_type, issued_token_type } = isJsonObject(answer) ? answer : {}
  if (issued_token_type !== ACCESS_TOKEN_TYPE) throw unexpected('no access token')
  const { audience, scope } = terms
  const issued = readIssuedToken(
    { token, token_type },
    {
      issuer: server.issuer,
      did: held.principal,
      terms: { audience, scope, ttl: undefined },
      jkt: await dpop.thumbprint(),
    },
  )
  if (payloadOf(issued.token)?.client_id !== did) throw unexpected('a token for another actor')
  return issued
}

/** Makes the form of a request, with a new assertion, because the server accepts each only once. */
async function formOf({ server, did, signer, held, terms }: ExchangeOrder): Promise<URLSearchParams> {
  const { audience, scope, details } = terms
  const assertion = await signClientAssertion(signer, {
    did,
    issuer: server.issuer,
    nowS: server.nowMs() / 1000,
    scope,
    resource: audience,
    authorizationDetails: details,
    subjectToken: held.token,
  })
  return new URLSearchParams([
    ['grant_type', GRANT_TYPE],
    ['subject_token', held.token],
    ['subject_token_type', CHAIN_TYPE],
    ...audience.map((each): [string, string] => ['resource', each]),
    // RFC 6749 section 3.2 treats an empty parameter as one that is left out.
    ...given('scope', scope === '' ? undefined : scope),
    ...given('authorization_details', details),
    ['client_id', did],
    ['client_assertion_type', ASSERTION_TYPE],
    ['client_assertion', assertion],
  ])
}

function given(name: string, value: string | undefined): readonly [string, string][] {
  return value === undefined ? [] : [[name, value]]
}

function unexpected(what: string): Auth4AgentError {
  return clientError('UNEXPECTED_ANSWER', `The server answered with ${what}`)
}
