import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { signClientAssertion } from '@auth4agent/core/identity/client-assertion'
import { isUserSubject } from '@auth4agent/core/identity/user-subject'
import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { authorizationHeaders, dpopOf } from '../dpop.ts'
import { clientError } from '../errors.ts'
import { authorizedFetch } from '../fetch.ts'
import { payloadOf, readIssuedToken } from '../issued-token.ts'
import type { AgentKeys } from '../key-events/agent-keys.ts'
import { ASSERTION_TYPE } from '../oauth-client.ts'
import { postWithProof } from '../prove-call.ts'
import { expectSecureUrl } from '../secure-address.ts'
import type { Server } from '../server.ts'
import type { AgentSigner } from '../signer.ts'
import { type BoundTerms, bindTerms } from '../terms.ts'
import { type ActForUserOptions, GRANT_CALL_NAMES, type UserAuthority } from './agent-grant-calls.ts'

/** The agent that acts. */
interface Actor {
  readonly server: Server
  readonly did: string
  readonly keys: AgentKeys
  /** Used instead of the platform's fetch. */
  readonly fetch: typeof globalThis.fetch | undefined
  /** Stops all calls. */
  readonly closing: AbortSignal
}

const TOKEN_PATH = '/oauth/token'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/**
 * Redeems an ID-JAG for a token, which is bound to the key of the agent. Rejects with Auth4AgentError. The reason is
 * UNEXPECTED_ANSWER if the token is not for a user, is for another agent, or has other terms.
 */
export async function actForUser(actor: Actor, idJag: string, options: ActForUserOptions): Promise<UserAuthority> {
  refuseUnknownNames('option', options, GRANT_CALL_NAMES.actForUser)
  const { server, did, keys, closing } = actor
  closing.throwIfAborted()
  const terms = termsOf(idJag, options, server.issuer)
  const signal = options.signal === undefined ? closing : AbortSignal.any([options.signal, closing])
  // Fails early if another server answers at the address.
  await server.discover(signal)
  return keys.use(async (signer) => {
    const dpop = dpopOf(
      async () => signer,
      () => server.nowMs(),
    )
    const body = () => formOf({ server, did, signer, idJag, terms })
    const answer = await postWithProof(server, { dpop, path: TOKEN_PATH, signal, body })
    const { access_token: token, token_type } = isJsonObject(answer) ? answer : {}
    const { sub: user, client_id, act } = (typeof token === 'string' && payloadOf(token)) || {}
    if (typeof user !== 'string' || !isUserSubject(user)) throw unexpected('a token that is not for a user')
    if (client_id !== did || !isJsonObject(act) || act['sub'] !== did) throw unexpected('a token for another actor')
    const expected = { issuer: server.issuer, did: user, terms, jkt: await dpop.thumbprint() }
    const issued = readIssuedToken({ token, token_type }, expected)
    const presented = { token: async () => issued.token, forget() {}, dpop }
    return {
      ...issued,
      user,
      fetch: authorizedFetch({ ...presented, fetch: actor.fetch }),
      async authorization(method, url, nonce) {
        expectSecureUrl(String(url))
        return authorizationHeaders(issued.token, dpop, { method, url: new URL(url).href, nonce })
      },
    }
  })
}

/** The terms that the call names, or else all those of the ID-JAG. The client assertion covers them. */
function termsOf(idJag: string, { audience, scopes }: ActForUserOptions, issuer: string): BoundTerms {
  const { resource, scope } = payloadOf(idJag) ?? {}
  const named = [resource].flat().filter((each) => typeof each === 'string')
  const wanted = { audience: audience ?? named, scopes: scopes ?? (typeof scope === 'string' ? scope.split(' ') : []) }
  if ([wanted.audience].flat().length === 0 || wanted.scopes.length === 0) {
    throw new TypeError('The first argument must be an ID-JAG with resource and scope')
  }
  return bindTerms(wanted, issuer)
}

interface Redemption extends Pick<Actor, 'server' | 'did'> {
  readonly signer: AgentSigner
  readonly idJag: string
  readonly terms: BoundTerms
}

/** Makes the form of a request, with a new assertion, because the server accepts each only once. */
async function formOf({ server, did, signer, idJag, terms }: Redemption): Promise<URLSearchParams> {
  const { audience, scope } = terms
  const nowS = server.nowMs() / 1000
  const covered = { scope, resource: audience, subjectToken: idJag }
  const assertion = await signClientAssertion(signer, { did, issuer: server.issuer, nowS, ...covered })
  return new URLSearchParams([
    ['grant_type', GRANT_TYPE],
    ['assertion', idJag],
    ...audience.map((each): [string, string] => ['resource', each]),
    ['scope', scope],
    ['client_id', did],
    ['client_assertion_type', ASSERTION_TYPE],
    ['client_assertion', assertion],
  ])
}

function unexpected(what: string) {
  return clientError('UNEXPECTED_ANSWER', `The server answered with ${what}`)
}
