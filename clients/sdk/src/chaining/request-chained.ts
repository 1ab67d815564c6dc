import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { signClientAssertion } from '@auth4agent/core/identity/client-assertion'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { dpopOf } from '../dpop.ts'
import { Auth4AgentError, clientError } from '../errors.ts'
import { type IssuedToken, payloadOf, readIssuedToken } from '../issued-token.ts'
import type { Nonces } from '../nonces.ts'
import { ASSERTION_TYPE } from '../oauth-client.ts'
import { postWithProof } from '../prove-call.ts'
import type { Runtime } from '../runtime.ts'
import { openServer, type Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import { createTransport } from '../transport.ts'

/** The agent, its token at home, and the API of another deployment. */
export interface ChainedOrder {
  readonly server: Server
  readonly did: string
  readonly signer: AgentSigner
  /** An access token of the agent at its own deployment. */
  readonly subjectToken: string
  /** The scopes at home, separated by spaces. */
  readonly scope: string
  readonly issuer: string
  readonly resource: string
  readonly fetch: typeof globalThis.fetch | undefined
  readonly runtime: Runtime
  /** The nonces for proofs at other deployments. */
  readonly nonces: Nonces
  readonly signal: AbortSignal
}

const TOKEN_PATH = '/oauth/token'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'

/**
 * Gets a token of another deployment: a grant at home (RFC 8693), and with it the token (RFC 7523). The other
 * deployment gets only the grant, which is for it alone and for one use, and a proof for its token endpoint. It is
 * asked nothing before the own deployment has issued the grant.
 *
 * Rejects with Auth4AgentError: the reasons of both deployments, and UNEXPECTED_ANSWER or ISSUER_MISMATCH if one of
 * them answers for another.
 */
export async function requestChained(order: ChainedOrder): Promise<IssuedToken> {
  const { issuer, resource, did, signer, fetch, runtime, nonces, signal } = order
  const grant = await askAtHome(order)
  const endpoint = await at(issuer, findTokenEndpoint(order))
  const { origin, pathname, search } = new URL(endpoint)
  const other = openServer({ server: origin, fetch }, runtime)
  const dpop = dpopOf(
    async () => signer,
    () => other.nowMs(),
    nonces,
  )
  const body = () => new URLSearchParams({ grant_type: JWT_BEARER, assertion: grant, client_id: did })
  const answer = await at(issuer, postWithProof(other, { dpop, path: pathname + search, signal, body }))
  const { access_token: token, token_type } = isJsonObject(answer) ? answer : {}
  const scope = typeof token === 'string' ? payloadOf(token)?.['scope'] : undefined
  const terms = { audience: [resource], scope: typeof scope === 'string' ? scope : '', ttl: undefined }
  return readIssuedToken({ token, token_type }, { issuer, did, terms, jkt: await dpop.thumbprint() })
}

/** Gets a grant that only this agent can use, and only at the one deployment. */
async function askAtHome(order: ChainedOrder): Promise<string> {
  const { server, did, signer, subjectToken, scope, issuer, resource, signal } = order
  await server.discover(signal)
  const nowS = server.nowMs() / 1000
  const terms = { scope, resource: [resource], subjectToken }
  const body = new URLSearchParams({
    grant_type: EXCHANGE,
    subject_token: subjectToken,
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ID_JAG,
    audience: issuer,
    resource,
    scope,
    client_id: did,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: await signClientAssertion(signer, { did, issuer: server.issuer, nowS, ...terms }),
  })
  const answer = await server.transport({ method: 'POST', path: TOKEN_PATH, body, signal })
  const { access_token: grant, issued_token_type: type } = isJsonObject(answer) ? answer : {}
  if (typeof grant !== 'string' || type !== ID_JAG) throw unexpected('no grant')
  const { iss, sub, aud, resource: named, cnf } = payloadOf(grant) ?? {}
  const jkt = signerKid(signer)
  const isOurs = iss === server.issuer && sub === did && isJsonObject(cnf) && cnf['jkt'] === jkt
  if (!isOurs || aud !== issuer || named !== resource) throw unexpected('a grant for another agent, server or API')
  return grant
}

/** Reads the metadata of the other deployment (RFC 8414 section 3). Its token endpoint must be on its own origin. */
async function findTokenEndpoint({ issuer, fetch, signal }: ChainedOrder): Promise<string> {
  const { origin, pathname } = new URL(issuer)
  const path = `/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`
  const metadata = await createTransport({ server: origin, fetch })({ method: 'GET', path, signal })
  const { issuer: named, token_endpoint: endpoint } = isJsonObject(metadata) ? metadata : {}
  if (named !== issuer) throw clientError('ISSUER_MISMATCH', `The metadata names another issuer than ${issuer}`)
  if (typeof endpoint !== 'string' || parseNormalUrl(endpoint)?.origin !== origin) {
    throw unexpected('a token endpoint that is not on its own origin, or not in its normal form')
  }
  return endpoint
}

/** Says which deployment refused. */
async function at<T>(issuer: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Auth4AgentError)) throw error
    const { reason, status, retryAfterS } = error
    const hint = reason === 'TRUST_NOT_FOUND' ? `: ${MISSING_TRUST}` : ''
    throw new Auth4AgentError(
      `At ${issuer}: ${error.message}${hint}`,
      { reason, status, retryAfterS },
      { cause: error },
    )
  }
}

const MISSING_TRUST =
  'the owner of the API must sign a lets-call or accepts-members-of statement, and can ask ExplainTrust'

function unexpected(what: string): Auth4AgentError {
  return clientError('UNEXPECTED_ANSWER', `The server answered with ${what}`)
}
