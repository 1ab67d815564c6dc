/** The columns of a statement that say whether it counts. */
export interface Standing {
  readonly notBefore: Date
  readonly expiresAt: Date
  readonly replacedAt: Date | null
  readonly endedAt: Date | null
  readonly end: 'revoked' | 'narrowed' | 'withdrawn' | null
}

/** The states of a statement, as the contract names them. */
export type StatementState = 'waiting' | 'active' | 'replaced' | 'revoked' | 'expired'

/** Returns the state of a statement at a time. `isAdmitted` tells whether the issuer of its subject is admitted. */
export function stateOf(standing: Standing, now: Date, isAdmitted: boolean): StatementState {
  const { notBefore, expiresAt, replacedAt, endedAt, end } = standing
  if (endedAt !== null && end !== 'narrowed') return 'revoked'
  if (replacedAt !== null) return 'replaced'
  if (expiresAt <= now) return 'expired'
  return notBefore <= now && isAdmitted ? 'active' : 'waiting'
}
