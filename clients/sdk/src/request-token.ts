import { decodeBase64url, encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { challengeMessage, NONCE_BYTES, readChallenge } from '@auth4agent/core/identity/challenge'
import { clientError } from './errors.ts'
import { type IssuedToken, readIssuedToken } from './issued-token.ts'
import type { Server } from './server.ts'
import type { Signer } from './signer.ts'
import type { BoundTerms } from './terms.ts'

/** Who wants a token, and which. */
export interface TokenOrder {
  readonly server: Server
  readonly did: string
  readonly signer: Signer
  readonly terms: BoundTerms
  readonly signal?: AbortSignal | undefined
}

/**
 * Gets a token: one challenge, bound to all that is asked for, signed and redeemed. Nothing is signed before the challenge has been
 * read: a rogue server could otherwise have another server's signed, or one for more than was asked for.
 *
 * Rejects with Auth4AgentError; CHALLENGE_REFUSED when the challenge is not the one that was asked for.
 */
export async function requestToken({ server, did, signer, terms, signal }: TokenOrder): Promise<IssuedToken> {
  const { defaultTtlS } = await server.discover(signal)
  // A challenge that is bound to everything is taken also where operators require that.
  const bound = { ...terms, ttl: terms.ttl ?? defaultTtlS }
  const wishes = {
    did,
    scope: bound.scope,
    audience: bound.audience,
    ...(bound.ttl !== undefined && { ttl: `${bound.ttl}s` }),
  }
  const answer = await server.transport({ method: 'POST', path: '/v1/challenge', body: wishes, signal })
  const { challenge, nonce } = expectChallenge(answer, { server, did, terms: bound })
  const signature = encodeBase64(await signer.sign(challengeMessage(challenge, nonce)))
  signal?.throwIfAborted()
  const body = { ...wishes, challenge, nonce, signature }
  const issued = await server.transport({ method: 'POST', path: '/v1/token', body, signal })
  return readIssuedToken(issued, { issuer: server.issuer, did, terms: bound })
}

/** The challenge of an answer. Throws CHALLENGE_REFUSED unless it is for exactly this. */
function expectChallenge(answer: unknown, { server, did, terms }: Pick<TokenOrder, 'server' | 'did' | 'terms'>) {
  const { challenge, nonce } = isJsonObject(answer) ? answer : {}
  if (typeof challenge !== 'string' || typeof nonce !== 'string') throw refused('none, or one without a nonce')
  const content = readChallenge(challenge)
  if (content === undefined || decodeBase64url(nonce)?.length !== NONCE_BYTES) throw refused('one that cannot be read')
  if (content.iss !== server.issuer)
    throw refused(`one of ${JSON.stringify(content.iss)}, which is not ${server.issuer}`)
  if (content.did !== did) throw refused(`one for ${content.did}`)
  if (content.scope !== terms.scope) throw refused(`one for scope ${JSON.stringify(content.scope)}`)
  if (content.ttl !== terms.ttl) throw refused(`one for a lifetime of ${String(content.ttl)} seconds`)
  if (JSON.stringify(content.aud) !== JSON.stringify(terms.audience)) {
    throw refused(`one for audience ${JSON.stringify(content.aud)}`)
  }
  // By the server's clock. An old challenge is worth nothing to anybody: this only says so before the key is used.
  if (content.exp * 1000 <= server.nowMs()) throw refused('one that has expired')
  return { challenge, nonce }
}

function refused(what: string) {
  return clientError(
    'CHALLENGE_REFUSED',
    `the challenge is not the one that was asked for, but ${what}; nothing was signed`,
  )
}
