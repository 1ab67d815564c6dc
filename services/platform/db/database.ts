/** Where the database is, and how long calls wait for it. */
export interface Database {
  /** A connection URI of PostgreSQL. */
  readonly url: string
  /** How long a call waits for an answer, in milliseconds. Default: ANSWER_TIMEOUT_MS. */
  readonly answerMs?: number | undefined
}
