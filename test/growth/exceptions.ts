/** A statement that may read all of a table that can grow. */
interface Exception {
  /** The file that sends it. */
  readonly file: string
  readonly table: string
  readonly why: string
}

const UNKNOWN_KIND =
  'looks for records of a newer version in the log, which keeps what has ended in the last 65 minutes'
const PUSH = 'all streams are looked at, of which there are at most 10,000'

/** Every scan of a table that can grow, and why it is allowed. */
export const EXCEPTIONS: readonly Exception[] = [
  { file: 'services/revocation/check-token.ts', table: 'revocation_log', why: UNKNOWN_KIND },
  { file: 'services/status-list/store/read-statuses.ts', table: 'revocation_log', why: UNKNOWN_KIND },
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
    file: 'services/trust/explain/read-callers.ts',
    table: 'operator_audience_callers',
    why: 'the administrator exports the graph of the deployment, which is limited',
  },
  {
    file: 'services/trust/explain/read-callers.ts',
    table: 'operators',
    why: 'the same export names the operators of all these callers',
  },
  {
    file: 'services/trust/explain/read-visible.ts',
    table: 'trust_statements',
    why: 'the graph of all public statements is limited, and a rate limits how often it is drawn',
  },
  {
    file: 'services/trust/federation/chains/chain-store.ts',
    table: 'trust_chains',
    why: 'a job removes chains that have expired; only the anchors of the administrator make chains',
  },
  {
    file: 'services/trust/federation/discover-issuer.ts',
    table: 'trust_chains',
    why: 'the administrator lists all candidates',
  },
  {
    file: 'services/trust/issuers/routes.ts',
    table: 'trust_chains',
    why: 'the administrator lists all issuers with their chains',
  },
  {
    file: 'services/trust/statements/prune-statements.ts',
    table: 'trust_statements',
    why: 'a job removes what nobody has needed for a year; it reads the table once in a while',
  },
  {
    file: 'services/trust/knowledge/read-statements.ts',
    table: 'trust_statements',
    why: 'decisions by rows are made only while the copy in memory is not current, and read at most a limit',
  },
  {
    file: 'services/trust/foreign/store-domains.ts',
    table: 'trust_statements',
    why: 'a job, one of all processes at a time, looks for domains that statements name and nobody has proven',
  },
]
