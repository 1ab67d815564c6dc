import { jtiKey, subKey } from '../store/subjects.ts'

/** The own records of a stream's operator. */
const OWN = 'r.operator_id = s.operator_id'
/** The records of the whole deployment. */
const EVERYBODY = 'r.operator_id IS NULL'

/** The operators of whose agents the receiver has added at least one. A DID has the domain of its operator. */
const OF_AGENTS = `
SELECT DISTINCT o.id FROM signal_subjects c JOIN operators o ON o.domain = split_part(c.key, ':', 3)
WHERE c.stream_id = s.id AND c.is_added AND c.key LIKE 'sub did:agent:%' AND o.id <> s.operator_id`

/** The operators that the receiver has added as a whole. */
const ADDED_OPERATORS = `
SELECT o.id FROM signal_subjects c JOIN operators o ON o.id::text = substr(c.key, 5)
WHERE c.stream_id = s.id AND c.is_added AND c.key LIKE 'sub ________-____-____-____-____________' AND o.id <> s.operator_id`

const IS_ADDED_AGENT = `r.kind = 'agent'
  AND EXISTS (SELECT FROM signal_subjects k WHERE k.stream_id = s.id AND k.key = 'sub ' || r.subject AND k.is_added)`

/**
 * Returns a query for the records after the cursor of the stream `s` that concern its receiver: those of its operator
 * and of the whole deployment, and those of the subjects that the receiver has added. The end of an operator ends the
 * tokens of all its agents, so it concerns the receiver that has added one of them. Each part of the query is limited
 * by itself, so each reads only the beginning of its index. A record can be in two parts.
 *
 * @param columns of the record `r`
 * @param limit how many records are read at most, as SQL
 */
export function concerningRecords(columns: string, limit: string): string {
  const part = (from: string, where: string) =>
    `(SELECT ${columns} FROM ${from} WHERE r.sequence > s.sequence AND ${where} ORDER BY r.sequence LIMIT ${limit})`
  const of = (operators: string, where: string) =>
    `(SELECT found.* FROM (${operators}) o CROSS JOIN LATERAL ${part('revocation_log r', `r.operator_id = o.id AND ${where}`)} found)`
  return [
    part('revocation_log r', OWN),
    part('revocation_log r', EVERYBODY),
    of(OF_AGENTS, `(r.kind = 'operator' OR ${IS_ADDED_AGENT})`),
    of(ADDED_OPERATORS, 'true'),
    part(
      'signal_subjects t JOIN revocation_log r ON r.subject = substr(t.key, 5)',
      `t.stream_id = s.id AND t.is_added AND t.key LIKE 'jti %' AND r.kind = 'token' AND ${OWN.replace('=', '<>')}`,
    ),
  ].join('\nUNION ')
}

/**
 * Finds the streams that records concern, by what the records name: the same rule as concerningRecords, from the other
 * side, because nothing may look at 10,000 streams for each record. A test holds the two together on random cases.
 * The planner knows how few rows the arrays find. Joins with the records cost it billions on tables without
 * statistics.
 */
export const FIND_CONCERNED = `
SELECT id, 'operator ' || operator_id AS name FROM signal_streams WHERE operator_id = ANY ($1::uuid[])
UNION ALL
SELECT stream_id, key FROM signal_subjects WHERE is_added AND key = ANY ($2::text[])
UNION ALL
SELECT stream_id, 'domain ' || split_part(key, ':', 3) FROM signal_subjects
WHERE is_added AND key LIKE 'sub did:agent:%' AND split_part(key, ':', 3) = ANY ($3::text[])`

/** What a record of the log names. */
export interface NamedRecord {
  /** Null for the head of the log, which is no record. */
  readonly kind: string | null
  /** Null for a record that concerns all. */
  readonly operatorId: string | null
  readonly subject: string | null
  /** The domain of the operator, only for the record of an operator. */
  readonly domain: string | null
}

/** Returns the names by which FIND_CONCERNED finds the streams that a record concerns. */
export function namesOf(place: NamedRecord): readonly string[] {
  const { operatorId, domain } = place
  const operator = operatorId === null ? [] : [`operator ${operatorId}`]
  return [...operator, ...keysOf(place), ...(domain === null ? [] : [`domain ${domain}`])]
}

/** Returns the keys of the subjects that a receiver can add, and that the record concerns. */
export function keysOf({ kind, operatorId, subject }: NamedRecord): readonly string[] {
  const own = operatorId === null ? [] : [subKey(operatorId)]
  if (subject !== null && kind === 'agent') return [...own, subKey(subject)]
  return subject !== null && kind === 'token' ? [...own, jtiKey(subject)] : own
}
