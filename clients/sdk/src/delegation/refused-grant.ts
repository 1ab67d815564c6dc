import { type GrantRefusal, grantRefusals } from '@auth4agent/core/delegation/refusal'
import { GrantRefusedError } from '@auth4agent/core/delegation/sign-grant'
import { Auth4AgentError } from '../errors.ts'

/** Makes the error for a grant that the client refuses itself. The message says what is right. */
export function refusedGrant({ reason, rule }: GrantRefusal, options?: ErrorOptions): Auth4AgentError {
  return new Auth4AgentError(`${grantRefusals[reason]}: ${rule}`, { reason, status: 0 }, options)
}

/** Turns the error of a signer in core into an error of the SDK. Other errors stay as they are. */
export function throwRefused(error: unknown): never {
  throw error instanceof GrantRefusedError ? refusedGrant(error.refusal, { cause: error }) : error
}
