import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { BOUND_TOKEN, proof, REQUEST } from './dpop-case.ts'
import { NOW_S, OTHER_DPOP_KEY } from './parties.ts'
import { token } from './token-case.ts'

interface Sent {
  readonly access_token: string
  /** Left out for a request with the scheme Bearer. */
  readonly proof?: string
  readonly method: string
  readonly url: string
  readonly expect: string
}

const sent = (access_token: string, text: string | undefined, expect: string, method = REQUEST.method): Sent => ({
  access_token,
  ...(text !== undefined && { proof: text }),
  method,
  url: REQUEST.url,
  expect,
})
const sequence = (name: string, ...requests: readonly Sent[]) => ({ name, now: NOW_S, requests })

/** Makes sequences of requests to one verifier, with the tokens and proofs that it must tell apart. */
export async function dpopSequences(): Promise<object[]> {
  const bearer = await token()
  const first = await proof()
  const second = await proof({ claims: { jti: 'proof-2' } })
  const later = await proof({ claims: { iat: NOW_S + 1 } })
  const ofOtherKey = await proof({ key: OTHER_DPOP_KEY })
  const ofBearer = await proof({ claims: { ath: sha256Text(bearer, 'base64url') } })
  return [
    sequence('a proof twice', sent(BOUND_TOKEN, first, 'VALID'), sent(BOUND_TOKEN, first, 'PROOF_REPLAYED')),
    sequence('two proofs of one key', sent(BOUND_TOKEN, first, 'VALID'), sent(BOUND_TOKEN, second, 'VALID')),
    sequence(
      'another text with the same jti',
      sent(BOUND_TOKEN, first, 'VALID'),
      sent(BOUND_TOKEN, later, 'PROOF_REPLAYED'),
    ),
    sequence(
      'a proof that was refused before for another method',
      sent(BOUND_TOKEN, first, 'PROOF_INVALID', 'POST'),
      sent(BOUND_TOKEN, first, 'VALID'),
    ),
    sequence('a bound token without a proof', sent(BOUND_TOKEN, undefined, 'PROOF_REQUIRED')),
    sequence('a bound token with the proof of another key', sent(BOUND_TOKEN, ofOtherKey, 'PROOF_INVALID')),
    sequence('a bound token with a text that is not a proof', sent(BOUND_TOKEN, 'a.b.c', 'PROOF_INVALID')),
    sequence('a bound token with the proof for another token', sent(BOUND_TOKEN, ofBearer, 'PROOF_INVALID')),
    sequence('a token that is not bound, without a proof', sent(bearer, undefined, 'VALID')),
    sequence('a token that is not bound, with a proof', sent(bearer, ofBearer, 'TOKEN_NOT_BOUND')),
  ]
}
