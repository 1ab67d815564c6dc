import type { TrustStatement } from '../../../../gen/prisma/client.ts'

/** The columns of a statement that say whether it counts. */
export type Standing = Pick<TrustStatement, 'kind' | 'notBefore' | 'expiresAt' | 'replacedAt' | 'endedAt' | 'end'>

/** The states of a statement, as the contract names them. */
export type StatementState = 'waiting' | 'active' | 'replaced' | 'revoked' | 'expired'

/** Returns the state of a statement at a time. `isAdmitted` tells whether the issuer of its subject is admitted. */
export function stateOf(standing: Standing, now: Date, isAdmitted: boolean): StatementState {
  const { kind, notBefore, expiresAt, replacedAt, endedAt, end } = standing
  if (endedAt !== null && end !== 'narrowed') return 'revoked'
  if (replacedAt !== null) return 'replaced'
  if (expiresAt <= now) return 'expired'
  // A block never waits for its signer's clock.
  const hasBegun = notBefore <= now || kind === 'blocks'
  return hasBegun && isAdmitted ? 'active' : 'waiting'
}
