import type pg from 'pg'
import { ApiError } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import type { Logger } from '../log/log.ts'
import { NotYetError } from './not-yet-error.ts'
import { SERVER } from './server-facts.ts'

/**
 * What an acknowledged change survives.
 *
 * - `quorum`: the loss of a machine, because a commit waits until a standby has it on its disk.
 * - `storage`: the loss of a machine, because the provider copies the storage below PostgreSQL.
 * - `single`: a crash, but not the loss of the machine.
 * - `unknown`: the administrator has not said.
 */
export type DurabilityMode = 'quorum' | 'storage' | 'single' | 'unknown'

/** The settings of PostgreSQL that decide what a commit survives. */
export interface DurabilitySettings {
  readonly fsync: string
  readonly fullPageWrites: string
  /** Whether commits of our sessions wait for a standby. */
  readonly isReplicated: boolean
}

/** What /ready and the metrics show. `problem` is a sentence, if the database does not do what the setting demands. */
export interface DurabilityFacts {
  readonly durability: DurabilityMode
  readonly problem?: string
}

/** Keeps the promise of `AUTH4AGENT_DURABILITY`. */
export interface Durability {
  readonly facts: DurabilityFacts
  /**
   * Throws if the deployment demands that commits wait for a standby, and one did not.
   * @throws ApiError NOT_DURABLE
   */
  demand(isReplicated: boolean): void
  /**
   * With `quorum`, resolves when a standby has every earlier commit, and returns the name of the server.
   * @throws ApiError NOT_DURABLE
   */
  confirm(): Promise<string | undefined>
  /** Reads the settings of the database again. */
  look(): Promise<void>
}

/** SQL: whether a commit of this session waits until a standby has it on its disk. */
export const IS_REPLICATED = `(current_setting('synchronous_standby_names') <> ''
  AND current_setting('synchronous_commit') IN ('on', 'remote_apply'))`

/**
 * The commit of this message comes after all earlier commits in the WAL that the standby receives. A commit can be
 * visible on the primary before the standby has it: after a crash, or while no standby was demanded.
 */
const CONFIRM = `SELECT pg_logical_emit_message(true, 'auth4agent', '') IS NOT NULL, ${IS_REPLICATED} AS "isReplicated",
  ${SERVER} AS server`

/** The server that has confirmed its commits, and whether they wait for a standby. */
type Confirmed = Pick<DurabilitySettings, 'isReplicated'> & { readonly server: string }

/** Resolves when the standby has every earlier commit, if commits wait for a standby. */
export async function confirmCommits(pool: pg.Pool): Promise<Confirmed> {
  const { rows } = await pool.query<Confirmed>(CONFIRM)
  const [row] = rows
  if (row === undefined) throw new Error('The database returned no row for a commit')
  return row
}

const SETTINGS = `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS "fullPageWrites",
  ${IS_REPLICATED} AS "isReplicated"`

async function readSettings(pool: pg.Pool): Promise<DurabilitySettings> {
  const { rows } = await pool.query<DurabilitySettings>(SETTINGS)
  const [row] = rows
  if (row === undefined) throw new Error('The database returned no row for its settings')
  return row
}

/** Returns what the settings lack, as a sentence with a cure. `canPass` tells that waiting may help. */
export function judgeSettings(
  mode: DurabilityMode,
  { fsync, fullPageWrites, isReplicated }: DurabilitySettings,
): { readonly problem: string; readonly canPass: boolean } | undefined {
  if (mode === 'single' || mode === 'unknown') return undefined
  const cure = 'Change it in the configuration of PostgreSQL and reload it, or set AUTH4AGENT_DURABILITY=single'
  const needs = (setting: string, value: string) =>
    `AUTH4AGENT_DURABILITY=${mode} needs ${setting} = on, but the database has ${setting} = ${value}. ${cure}`
  if (fsync !== 'on') return { problem: needs('fsync', fsync), canPass: false }
  if (mode === 'storage') return undefined
  if (fullPageWrites !== 'on') return { problem: needs('full_page_writes', fullPageWrites), canPass: false }
  if (isReplicated) return undefined
  return {
    problem: `AUTH4AGENT_DURABILITY=quorum needs synchronous_standby_names, which is empty: commits wait for no standby. ${HELP}`,
    canPass: true,
  }
}

const HELP = `Set it, such as 'ANY 1 (a, b)'; with Patroni, set synchronous_mode and synchronous_mode_strict`

/**
 * Reads the settings of the database, and begins to keep the promise.
 * @throws StartupError when a setting must be changed first; NotYetError when there is no synchronous standby, as
 *   for a moment after a failover
 */
export async function openDurability(
  pool: pg.Pool,
  mode: DurabilityMode,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<Durability> {
  const first = judgeSettings(mode, await readSettings(pool))
  if (first !== undefined) throw new (first.canPass ? NotYetError : StartupError)(first.problem)
  if (mode === 'unknown') log.warn({}, UNKNOWN)
  let problem: string | undefined
  const look = async () => {
    const found = judgeSettings(mode, await readSettings(pool))?.problem
    if (found !== problem) log[found === undefined ? 'info' : 'warn']({ problem: found }, CHANGED)
    problem = found
  }
  const demand = (isReplicated: boolean) => {
    if (mode === 'quorum' && !isReplicated) throw new ApiError('NOT_DURABLE', undefined, { retryAfter: 1 })
  }
  return {
    get facts() {
      return { durability: mode, ...(problem !== undefined && { problem }) }
    },
    demand,
    async confirm() {
      if (mode !== 'quorum') return undefined
      const { isReplicated, server } = await confirmCommits(pool)
      demand(isReplicated)
      return server
    },
    look: mode === 'quorum' || mode === 'storage' ? look : async () => undefined,
  }
}

const UNKNOWN = 'AUTH4AGENT_DURABILITY is not set: set it to quorum, storage or single (docs/operations.md)'
const CHANGED = 'what commits survive has changed'
