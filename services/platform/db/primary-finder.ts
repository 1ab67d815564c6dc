import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from '../log/log.ts'
import { choosePrimary } from './choose-primary.ts'
import { type DatabaseHost, parseDatabaseUrl } from './database-url.ts'
import { configFor, createSearch, findPlaces, type Place } from './search-servers.ts'
import { askServer, isSameServer, NotPrimaryError, type ServerFacts, whyNotPrimary } from './server-facts.ts'

/** Leads all connections of a process to the primary. */
export interface PrimaryFinder {
  /** The driver's client, going to the host where the primary is. */
  readonly Client: new (
    config?: pg.ClientConfig,
  ) => pg.Client
  /** Searches, if the URL has several hosts and none of them is known to be the primary. */
  locate(): Promise<void>
  /**
   * Checks a new connection, which must be the first thing it is used for.
   * @throws NotPrimaryError when its server must not be used
   */
  admit(client: pg.ClientBase): Promise<void>
  /** Notes the error of a statement. Some of them say that the server is no primary any more. */
  noteFailure(error: unknown): void
  /** Aborts when connections go to another server than now. */
  readonly moved: AbortSignal
}

/** Options of finderOf: where the database is, as in Database. */
interface FinderOptions {
  readonly url: string
  readonly finder?: PrimaryFinder | undefined
  readonly log: Pick<Logger, 'warn'>
}

/** A connection that has not ended. It has a server once it was admitted. */
interface Connection {
  readonly place: Place | undefined
  server?: ServerFacts
}

/** Pause between two searches, in milliseconds. */
const PAUSE_MS = 100
/** Codes (SQLSTATE) of a server that takes no writes, or that stops: it may be the primary no longer. */
const MAYBE_MOVED = /^(?:25006|57P0[123]|08...)$/

/** Returns the finder among the options, or a new one. */
export function finderOf({ url, finder, log }: FinderOptions): PrimaryFinder {
  return finder ?? new Finder(url, log)
}

class Finder implements PrimaryFinder {
  readonly Client: PrimaryFinder['Client']
  readonly #hosts: readonly DatabaseHost[]
  readonly #log: FinderOptions['log']
  readonly #search = createSearch()
  readonly #connections = new Map<pg.ClientBase, Connection>()
  /** Where new connections go. Undefined before the first search, and where there is nothing to choose. */
  #place: Place | undefined
  #primary: ServerFacts | undefined
  #moved = new AbortController()
  #searching: Promise<void> | undefined
  #endedAt = Number.NEGATIVE_INFINITY
  #problem: string | undefined

  constructor(url: string, log: FinderOptions['log']) {
    this.#hosts = parseDatabaseUrl(url).hosts
    this.#log = log
    const target = () => this.#target()
    const track = (client: pg.Client) => this.#track(client)
    this.Client = class extends pg.Client {
      constructor(config?: pg.ClientConfig) {
        super({ ...config, ...target() })
        track(this)
      }
    }
  }

  get moved(): AbortSignal {
    return this.#moved.signal
  }

  async locate(): Promise<void> {
    if (this.#hosts.length > 1 && this.#place === undefined) await this.#find()
  }

  async admit(client: pg.ClientBase): Promise<void> {
    const server = await askServer(client)
    const problem = whyNotPrimary(server, this.#known())
    const connection = this.#connections.get(client)
    if (problem !== undefined || connection === undefined) {
      throw new NotPrimaryError(`${this.#nameOf(connection?.place)} ${problem ?? 'has closed the connection'}`)
    }
    connection.server = server
    this.#follow(server)
  }

  noteFailure(error: unknown): void {
    if (error instanceof Error && 'code' in error && MAYBE_MOVED.test(String(error.code))) this.#suspect()
  }

  #target(): pg.ClientConfig {
    const [host] = this.#hosts
    if (this.#place !== undefined) return configFor(this.#place)
    return { connectionString: host?.url ?? '' }
  }

  #known() {
    const { cluster, timeline = 0 } = this.#primary ?? {}
    return cluster === undefined ? undefined : { cluster, timeline }
  }

  #nameOf(place: Place | undefined): string {
    return place === undefined ? 'The database' : `The database at ${place.name}`
  }

  #track(client: pg.Client): void {
    const connection: Connection = { place: this.#place }
    this.#connections.set(client, connection)
    client.on('error', () => this.#suspect())
    client.on('end', () => {
      this.#connections.delete(client)
      // A connection that was never admitted has failed. Others end because nobody needs them.
      if (connection.server === undefined) this.#suspect()
    })
  }

  /** Searches in the background. Failures during a search start no other one. */
  #suspect(): void {
    this.#find().catch(() => undefined)
  }

  /** @throws the reason if there is no primary */
  #find(): Promise<void> {
    this.#searching ??= this.#findOnce().finally(() => {
      this.#searching = undefined
      this.#endedAt = performance.now()
    })
    return this.#searching
  }

  async #findOnce(): Promise<void> {
    const wait = this.#endedAt + PAUSE_MS - performance.now()
    if (wait > 0) await delay(wait, undefined, { ref: false })
    const places = await findPlaces(this.#hosts)
    if (places.length === 1) {
      this.#place = undefined
      return
    }
    const { primary, problem, mistake } = choosePrimary(await this.#search(places), this.#known())
    // A start that finds no primary says so itself.
    if (primary !== undefined || this.#primary !== undefined) this.#report(problem)
    if (primary === undefined) throw mistake ?? new NotPrimaryError(problem)
    this.#place = primary.place
    this.#follow(primary.server)
  }

  /** Ends all connections to other servers, if this is a new primary. */
  #follow(server: ServerFacts): void {
    const before = this.#primary
    if (before !== undefined && isSameServer(before, server)) return
    this.#primary = server
    for (const [client, connection] of this.#connections) {
      if (!this.#isToward(server, connection)) destroy(client as pg.Client)
    }
    if (before === undefined) return
    const database = this.#place?.name
    const text = 'connections go to another primary, or to the same one after its restart'
    this.#log.warn({ database, timeline: server.timeline }, text)
    this.#moved.abort()
    this.#moved = new AbortController()
  }

  #isToward(server: ServerFacts, connection: Connection): boolean {
    if (connection.server !== undefined) return isSameServer(connection.server, server)
    return connection.place?.name === this.#place?.name
  }

  /** Logs a problem when it begins, not at each search. */
  #report(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#problem)
      this.#log.warn({ problem }, 'the hosts of the database have a problem')
    this.#problem = problem
  }
}

function destroy({ connection }: pg.Client): void {
  connection.stream.destroy(new Error('Connection terminated: the database has a new primary'))
}
