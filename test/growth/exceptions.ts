/** A statement that may read all of a table that can grow. */
interface Exception {
  /** The file that sends it. */
  readonly file: string
  readonly table: string
  readonly why: string
}

const PUSH = 'all streams are looked at, of which there are at most 10,000'

/** Every scan of a table that can grow, and why it is allowed. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    file: 'services/revocation/end-all-tokens.ts',
    table: 'web_sessions',
    why: 'the administrator ends all of them, after a backup is restored',
  },
  {
    file: 'services/signals/push/note-records.ts',
    table: 'signal_subjects',
    why: 'each record that is noted looks for its subjects, and at most 500 are noted at once',
  },
  { file: 'services/signals/push/claims.ts', table: 'operators', why: PUSH },
  { file: 'services/signals/push/move-idle.ts', table: 'revocation_log', why: PUSH },
  {
    file: 'services/signals/events/read-log.ts',
    table: 'operators',
    why: 'subjects that are operators are found by the text of their ids',
  },
  {
    file: 'services/trust/graph/read-callers.ts',
    table: 'operator_audience_callers',
    why: 'the administrator exports the graph of the deployment, which is limited',
  },
  {
    file: 'services/trust/graph/read-callers.ts',
    table: 'operators',
    why: 'the same export names the operators of all these callers',
  },
  {
    file: 'services/trust/graph/read-visible.ts',
    table: 'trust_statements',
    why: 'the graph of all public statements is limited, and a rate limits how often it is drawn',
  },
  {
    file: 'services/trust/issuers/domains/store-domains.ts',
    table: 'trust_statements',
    why: 'a job, one of all processes at a time, looks for domains that statements name and nobody has proven',
  },
]
