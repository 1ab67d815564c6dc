import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { Call } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type CheckDpopDeps, checkDpop } from './check-dpop.ts'

/**
 * Checks that the client proves one key twice, so the new token is bound to a key that the server knows as the
 * client's.
 *
 * @param jkt thumbprint of the key that signed the client assertion
 * @param what what needs the proof, as the subject of a sentence
 * @throws ApiError DPOP_PROOF_REQUIRED, INVALID_DPOP_PROOF
 */
export function checkPossession(deps: CheckDpopDeps, { dpop: sent }: Call, jkt: string, what: string): DpopProof {
  if (sent === undefined) throw new ApiError('DPOP_PROOF_REQUIRED', `${what} needs a DPoP proof ${BY_SAME_KEY}`)
  const dpop = checkDpop(deps, sent)
  if (dpop.jkt !== jkt) throw new ApiError('INVALID_DPOP_PROOF', `The DPoP proof must be ${BY_SAME_KEY}`)
  return dpop
}

const BY_SAME_KEY = 'by the key that signed the client assertion'
