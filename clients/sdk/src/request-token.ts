import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { type ChallengeContent, challengeMessage } from '@auth4agent/core/identity/challenge'
import { expectChallenge } from './challenge.ts'
import type { Dpop } from './dpop.ts'
import { Auth4AgentError, clientError } from './errors.ts'
import { type IssuedToken, readIssuedToken } from './issued-token.ts'
import { isKeyOfDid } from './keys/is-key-of-did.ts'
import { postWithProof } from './prove-call.ts'
import type { Server } from './server.ts'
import type { AgentSigner } from './signer.ts'
import type { BoundTerms } from './terms.ts'

/** The agent that wants a token, and the terms of the token. */
export interface TokenOrder {
  readonly server: Server
  readonly did: string
  readonly signer: AgentSigner
  readonly terms: BoundTerms
  /** The key to bind the token to. */
  readonly dpop?: Dpop | undefined
  readonly signal?: AbortSignal | undefined
}

const TOKEN_PATH = '/v1/token'

/**
 * Gets a token: requests a bound challenge, checks it, signs it and redeems it. Without the check, a rogue server
 * could get a signature for a challenge of another server, or for more than the agent asked for.
 *
 * Rejects with Auth4AgentError. The reason is CHALLENGE_REFUSED if the challenge does not match the request.
 */
export async function requestToken(order: TokenOrder): Promise<IssuedToken> {
  const { server, did, signer, terms, dpop, signal } = order
  const { defaultTtlS } = await server.discover(signal)
  // Always requests a bound challenge, because some operators require it.
  const bound = { ...terms, ttl: terms.ttl ?? defaultTtlS }
  const wishes = {
    did,
    scope: bound.scope,
    audience: bound.audience,
    ...(bound.ttl !== undefined && { ttl: `${bound.ttl}s` }),
    ...(bound.mayAct !== undefined && { may_act: bound.mayAct }),
  }
  const answer = await server.transport({ method: 'POST', path: '/v1/challenge', body: wishes, signal })
  const { challenge, nonce } = expectChallenge(answer, { server, did }, (content) => mismatchOf(content, bound))
  const signature = encodeBase64(await signer.sign(challengeMessage(challenge, nonce)))
  signal?.throwIfAborted()
  const body = { ...wishes, challenge, nonce, signature, kid: await kidOf(signer, did) }
  const issued = await redeem(order, body).catch((error: unknown) => explain(error, body.kid, dpop))
  return readIssuedToken(issued, { issuer: server.issuer, did, terms: bound, jkt: await dpop?.thumbprint() })
}

/**
 * Returns the thumbprint of a key, or undefined for the agent's first key, which the DID names. Older servers know no
 * other key, and refuse the member `kid`.
 */
async function kidOf(signer: AgentSigner, did: string): Promise<string | undefined> {
  if (await isKeyOfDid(signer.publicKey, did)) return undefined
  // Loaded on demand, because most agents have only their first key.
  const { signerKid } = await import('@auth4agent/core/jose/signer-jwk')
  return signerKid(signer)
}

/** Redeems a signed challenge. */
async function redeem({ server, dpop, signal }: TokenOrder, body: object): Promise<unknown> {
  if (dpop === undefined) return server.transport({ method: 'POST', path: TOKEN_PATH, body, signal })
  return postWithProof(server, { dpop, path: TOKEN_PATH, body: () => body, signal })
}

/**
 * Says which option is missing if the audience only accepts bound tokens, and that the key is wrong if the server
 * knows only the agent's first key.
 */
function explain(error: unknown, kid: string | undefined, dpop: Dpop | undefined): never {
  if (isRefusal(error, 'UNKNOWN_FIELD') && kid !== undefined)
    throw clientError(
      'WRONG_KEY',
      'The key is not the one in the DID, and this server knows no other keys of an agent',
      {
        cause: error,
      },
    )
  if (!isRefusal(error, 'DPOP_PROOF_REQUIRED') || dpop !== undefined) throw error
  const { message, reason, status, retryAfterS } = error
  throw new Auth4AgentError(`${message}: set the option \`dpop\``, { reason, status, retryAfterS }, { cause: error })
}

function isRefusal(error: unknown, reason: string): error is Auth4AgentError {
  return error instanceof Auth4AgentError && error.reason === reason
}

/** Tells what is wrong with a challenge, unless it is for exactly these terms. */
function mismatchOf(content: ChallengeContent, terms: BoundTerms): string | undefined {
  const { scope, ttl, aud, may_act: mayAct, details, depth } = content
  if (scope !== terms.scope) return `is for the scope ${JSON.stringify(scope)}`
  if (ttl !== terms.ttl) return `is for a lifetime of ${String(ttl)} seconds`
  if (JSON.stringify(aud) !== JSON.stringify(terms.audience)) return `is for the audience ${JSON.stringify(aud)}`
  if (mayAct !== terms.mayAct) return `lets ${mayAct === undefined ? 'no agent' : `the agent ${mayAct}`} act`
  return details === undefined && depth === undefined ? undefined : 'is for a grant'
}
