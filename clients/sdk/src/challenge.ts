import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isJsonObject } from '@auth4agent/core/encoding/strict-json'
import { type ChallengeContent, NONCE_BYTES, readChallenge } from '@auth4agent/core/identity/challenge'
import { clientError } from './errors.ts'
import type { Server } from './server.ts'

/**
 * Returns the challenge of an answer. Throws CHALLENGE_REFUSED unless the challenge is for this agent at this server,
 * and unless `mismatchOf` finds nothing else wrong. It returns what the challenge is, such as `is for a token`.
 */
export function expectChallenge(
  answer: unknown,
  { server, did }: { readonly server: Server; readonly did: string },
  mismatchOf: (content: ChallengeContent) => string | undefined,
): { readonly challenge: string; readonly nonce: string } {
  const { challenge, nonce } = isJsonObject(answer) ? answer : {}
  if (typeof challenge !== 'string' || typeof nonce !== 'string') throw refused('is missing or has no nonce')
  const content = readChallenge(challenge)
  if (content === undefined || decodeBase64url(nonce)?.length !== NONCE_BYTES) throw refused('cannot be read')
  if (content.iss !== server.issuer)
    throw refused(`is from the issuer ${JSON.stringify(content.iss)}, not ${server.issuer}`)
  if (content.did !== did) throw refused(`is for the agent ${content.did}`)
  const mismatch = mismatchOf(content)
  if (mismatch !== undefined) throw refused(mismatch)
  // Uses the server's clock. The server would refuse an expired challenge anyway. This check only avoids a useless
  // signature.
  if (content.exp * 1000 <= server.nowMs()) throw refused('has expired')
  return { challenge, nonce }
}

function refused(why: string) {
  return clientError('CHALLENGE_REFUSED', `Nothing was signed: the challenge ${why}`)
}
