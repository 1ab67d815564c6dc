import type pg from 'pg'
import { hasDatabaseCode } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'

/** What a server of PostgreSQL says about itself. */
export interface ServerFacts {
  readonly isStandby: boolean
  /** Whether its transactions refuse writes. Always true for a standby. */
  readonly isReadOnly: boolean
  /** The timeline of its WAL. Each promotion begins a higher one. Undefined for a standby. */
  readonly timeline: number | undefined
  /** The system identifier, which a primary shares with its standbys only. */
  readonly cluster: string
  /** When it started. It tells apart servers of one cluster, by whichever address they are asked. */
  readonly startedAt: string
}

/** What a process knows about the primary. */
export interface KnownPrimary {
  readonly cluster: string
  /** The highest timeline that it has seen. */
  readonly timeline: number
}

/** Says that a server is not the primary. Its code is that of a statement that a read-only server refuses. */
export class NotPrimaryError extends Error {
  override readonly name = 'NotPrimaryError'
  readonly code = '25006'
}

/** The timeline in SQL, as eight hexadecimal digits. A standby has no current position in its WAL. */
const TIMELINE = 'CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END'
const STARTED_AT = 'extract(epoch FROM pg_postmaster_start_time())::text'

/**
 * Names a server and its timeline, in SQL. A promoted standby has another timeline and another time of start. The
 * address is not part of the name, because one server may have several. It uses no function of this project, because a
 * server that starts asks a database that may still be empty.
 */
export const SERVER = `concat_ws(' ', ${TIMELINE}, ${STARTED_AT})`

/** Works before the first migration and for every role. */
const ASK = `SELECT pg_is_in_recovery() AS "isStandby",
  current_setting('transaction_read_only') = 'on' AS "isReadOnly",
  ('x' || ${TIMELINE})::bit(32)::bigint::float8 AS timeline,
  (SELECT system_identifier::text FROM pg_control_system()) AS cluster,
  ${STARTED_AT} AS "startedAt"`
const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * Asks the server of a connection, in one round trip.
 * @throws StartupError when the role may not ask
 */
export async function askServer(client: pg.ClientBase): Promise<ServerFacts> {
  const { rows } = await client.query<ServerFacts & { timeline: number | null }>(ASK).catch((cause: unknown) => {
    if (!hasDatabaseCode(cause, INSUFFICIENT_PRIVILEGE)) throw cause
    throw new StartupError(
      'The user in DATABASE_URL must be allowed to execute pg_control_system(), which tells clusters apart: ' +
        'GRANT EXECUTE ON FUNCTION pg_control_system() TO this user',
      { cause },
    )
  })
  const [row] = rows
  if (row === undefined) throw new Error('The database returned no row about itself')
  return { ...row, timeline: row.timeline ?? undefined }
}

/** Returns why a server cannot be used as the primary, as the end of a sentence about it. */
export function whyNotPrimary(server: ServerFacts, known: KnownPrimary | undefined): string | undefined {
  if (known !== undefined && server.cluster !== known.cluster) {
    return (
      `belongs to another cluster, ${server.cluster} instead of ${known.cluster}: correct DATABASE_URL, ` +
      'or restart this process if you have replaced the cluster'
    )
  }
  if (server.isStandby) return 'is a standby, which takes no writes'
  if (server.isReadOnly) return 'takes no writes: turn default_transaction_read_only off'
  const { timeline = 0 } = server
  if (known !== undefined && timeline < known.timeline) {
    return `is an old primary on timeline ${timeline}, but there is one on timeline ${known.timeline}: stop it`
  }
  return undefined
}

/** Returns whether both are the same run of the same server. */
export function isSameServer(one: ServerFacts, other: ServerFacts): boolean {
  return one.cluster === other.cluster && one.timeline === other.timeline && one.startedAt === other.startedAt
}
