import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type pg from 'pg'

/** A process of the deployment, as it lists itself in the table `processes`. */
export interface ProcessEntry {
  /** A new one for each start. */
  readonly id: string
  /** Host and process, for administrators to read. */
  readonly host: string
  /** Version of Auth4Agent. */
  readonly version: string
  readonly services: readonly string[]
}

/** A row of LIST_PROCESSES. */
export interface ListedProcess extends ProcessEntry {
  /** The newest migration that its version contains. */
  readonly schema: string
  readonly startedAt: Date
  readonly seenAt: Date
  /** Whether it was seen lately. */
  readonly counts: boolean
}

/** How often a process says that it is there, in milliseconds. */
export const LISTED_EVERY_MS = 10_000
/**
 * How long a process counts after it was seen last, in seconds: several times the longest pause between two looks. One
 * that comes back later finds its row gone, and compares its schema again before it goes on.
 */
const COUNTS_FOR_S = 60
/** How long the row of a process that ended without removing it stays, in seconds. */
const KEPT_FOR_S = 3_600

/** Lists a process. Its parameters: id, host, version, newest migration, services. */
export const LIST_PROCESS = `INSERT INTO processes (id, host, version, schema, services) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET host = $2, version = $3, schema = $4, services = $5, seen_at = clock_timestamp()`
const SEEN_SINCE = `clock_timestamp() - make_interval(secs => ${COUNTS_FOR_S})`
/** Lists the processes, latest first. */
export const LIST_PROCESSES = `SELECT id, host, version, schema, services, started_at AS "startedAt",
  seen_at AS "seenAt", seen_at >= ${SEEN_SINCE} AS counts FROM processes ORDER BY seen_at DESC, id`
/**
 * Counts the sessions of processes that are not listed. Versions before the list called their sessions `auth4agent`. A
 * URL that names its sessions itself hides them.
 */
export const COUNT_UNLISTED = `SELECT count(*)::int AS sessions FROM pg_stat_activity
  WHERE datname = current_database() AND (application_name IN ('auth4agent', 'auth4agent-listen')
    OR application_name ~ '^auth4agent [0-9a-f]{8}$' AND application_name NOT IN (
      SELECT 'auth4agent ' || left(id::text, 8) FROM processes WHERE seen_at >= ${SEEN_SINCE}))`
/** Forgets the processes that do not count, so that they compare their schema again when they come back. */
export const FORGET_UNCOUNTED = `DELETE FROM processes WHERE seen_at < ${SEEN_SINCE}`

const SEE = 'UPDATE processes SET seen_at = clock_timestamp() WHERE id = $1'
const FORGET_LOST = `DELETE FROM processes WHERE seen_at < clock_timestamp() - make_interval(secs => ${KEPT_FOR_S})`
const REMOVE = 'DELETE FROM processes WHERE id = $1'

/** Returns the entry of a process that begins now. */
export function newProcess(version: string, services: readonly string[]): ProcessEntry {
  return { id: randomUUID(), host: `${hostname()} ${process.pid}`, version, services }
}

/** Returns the name of the sessions of a process in `pg_stat_activity`. */
export function sessionNameOf({ id }: Pick<ProcessEntry, 'id'>): string {
  return `auth4agent ${id.slice(0, 8)}`
}

/**
 * Says that a process is there, and forgets processes that were lost long ago.
 * @returns whether it is listed. One that is not must compare its schema again: a contract step may have forgotten it
 */
export async function seeProcess(pool: pg.Pool, { id }: ProcessEntry): Promise<boolean> {
  const { rowCount } = await pool.query(SEE, [id])
  await pool.query(FORGET_LOST)
  return rowCount === 1
}

/** Takes a process that stops from the list. */
export async function removeProcess(pool: pg.Pool, { id }: ProcessEntry): Promise<void> {
  await pool.query(REMOVE, [id])
}
