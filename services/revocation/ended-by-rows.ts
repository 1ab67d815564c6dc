/** The states of signing keys whose tokens have ended, as SQL literals. */
export const ENDED_KEY_STATES = `'retired', 'compromised'`

/**
 * Joins the rows that decide whether the token `t` has ended. `t` has operator_id, sub and jti. Its subject is an
 * agent or a user, never both: the database refuses a user with a DID. Only an active user confirms a token.
 */
export const JOIN_ROWS_OF_TOKEN = `
LEFT JOIN operators o ON o.id = t.operator_id
LEFT JOIN agents a ON a.operator_id = t.operator_id AND a.did = t.sub
LEFT JOIN users u ON u.operator_id = t.operator_id AND u.subject = t.sub AND u.status = 'active'
LEFT JOIN revoked_tokens r ON r.operator_id = t.operator_id AND r.jti = t.jti`

/** What endedByRows takes of a token as SQL, besides the columns agent_epoch and operator_epoch of `t`. */
interface TokenSql {
  /** Whether the key that signed the token is in one of ENDED_KEY_STATES. */
  readonly hasKeyEnded: string
  /** Whether the token is for a grant of another deployment. */
  readonly isChained: string
  /** The first epoch of the deployment. */
  readonly firstEpoch: string
}

/**
 * Returns SQL for the verdict of the database's rows about the token `t`; null if they do not end it. It is the only
 * place that decides this from rows: CHECK asks it for verifications, and the status lists ask it for all their
 * places. From the log, `RevocationState.lookup` of clients/core decides. `test/simulation/endings` holds them
 * together.
 *
 * Rule k: the agent and the operator of a token for a grant of another deployment are not here. So it has an epoch of
 * this deployment instead. Every other token needs its agent or user and its operator at exactly its epochs. A token
 * with an epoch from the future was not issued from this database, or was issued before the database was restored.
 */
export function endedByRows({ hasKeyEnded, isChained, firstEpoch }: TokenSql): string {
  return `CASE
    WHEN ${hasKeyEnded} THEN 'UNKNOWN_KEY'
    WHEN r.jti IS NOT NULL THEN 'TOKEN_REVOKED'
    WHEN ${isChained}
      THEN CASE WHEN t.operator_epoch IS DISTINCT FROM ${firstEpoch} THEN 'OPERATOR_TOKENS_ENDED' END
    WHEN o.epoch IS NULL OR t.operator_epoch <> greatest(o.epoch, ${firstEpoch}) THEN 'OPERATOR_TOKENS_ENDED'
    WHEN t.agent_epoch IS DISTINCT FROM coalesce(a.epoch, u.epoch) THEN 'AGENT_TOKENS_ENDED' END`
}
