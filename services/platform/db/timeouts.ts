/** The time limits of calls to the database, in milliseconds. */
export interface DbTimeouts {
  /** How long a call waits for a connection. */
  readonly connectMs: number
  /** How long PostgreSQL waits for a lock. */
  readonly lockMs: number
  /** How long PostgreSQL works on a statement. */
  readonly statementMs: number
  /** How long a call waits for the answer to a statement. A connection that is silent for longer is broken. */
  readonly answerMs: number
  readonly transactionMs: number
}

/** The default of `AUTH4AGENT_DB_TIMEOUT`. A missing or silent database is reported within two seconds. */
export const ANSWER_TIMEOUT_MS = 1_700

/**
 * Returns the time limits for calls that wait this long for an answer, in milliseconds. Waiting for a lock ends before
 * the statement does, and the statement before the connection counts as silent.
 */
export function dbTimeouts(answerMs = ANSWER_TIMEOUT_MS): DbTimeouts {
  return {
    connectMs: answerMs - 200,
    lockMs: answerMs - 200,
    statementMs: answerMs - 100,
    answerMs,
    transactionMs: 3 * answerMs,
  }
}
