import type { PrimaryFinder } from './primary-finder.ts'

/** Where the database is, and how long calls wait for it. */
export interface Database {
  /** A connection URI of PostgreSQL. It may name several hosts. */
  readonly url: string
  /** How long a call waits for an answer, in milliseconds. Default: ANSWER_TIMEOUT_MS. */
  readonly answerMs?: number | undefined
  /** Leads connections to the primary. A server process has one for all of them. Default: a new finder. */
  readonly finder?: PrimaryFinder | undefined
  /** The name of its lasting sessions in `pg_stat_activity`, if it is that of a listed process. */
  readonly sessionName?: string | undefined
}
