import { ApiError } from '../../platform/errors/api-error.ts'
import { type KeyLog, settleRecovery, type WaitingRecovery } from './key-log.ts'
import { type Objection, parseObjection } from './objection.ts'
import { type SigningClock, timeDemand } from './parse-key-event.ts'
import { demandText } from './refuse-key-event.ts'

/**
 * Parses the objection of an agent to a recovery. Its signature is not checked yet.
 *
 * @throws ApiError INVALID_STATEMENT
 */
export function parseSentObjection(text: string, did: string, clock: SigningClock): Objection {
  const objection = parseObjection(text)
  if (!objection.ok) throw invalid(objection.demand)
  if (objection.did !== did) throw invalid('did must be the same as in the request')
  const demand = timeDemand(objection.iat, clock)
  if (demand !== undefined) throw invalid(demand)
  return objection
}

/**
 * Decides whether an objection ends the recovery of a log at this time. It comes too late when the recovery is due.
 *
 * @returns the recovery that ends
 * @throws ApiError NOTHING_PENDING, INVALID_STATEMENT
 */
export function decideObjection(log: KeyLog, objection: Objection, at: Date): WaitingRecovery {
  const { recovery } = settleRecovery(log, at).log
  if (recovery === undefined) throw new ApiError('NOTHING_PENDING', 'No recovery of the agent waits')
  if (recovery.digest !== objection.event)
    throw new ApiError('NOTHING_PENDING', `The objection must name the recovery that waits, ${recovery.digest}`)
  const refusal = objection.checkSignature(log.state.key)
  if (refusal !== undefined) throw invalid(refusal.demand)
  return recovery
}

function invalid(demand: string): ApiError {
  return new ApiError('INVALID_STATEMENT', demandText(demand, 'objection'))
}
