import { createBus, createSignals, type Weather } from './bus.ts'
import { createMachine } from './clocks.ts'
import { createDatabase, type Database } from './database.ts'
import { createEvents, type Events } from './events.ts'
import { createHistory, type History } from './history.ts'
import { type Instance, type Place, type Role, type Surroundings, startInstance } from './instance.ts'
import type { Parts } from './parts.ts'
import { createRandom, type Random } from './random.ts'
import { LEASE_MS, type Schedule } from './schedule.ts'

/** A deployment in virtual time. */
export interface World {
  readonly events: Events
  readonly random: Random
  readonly database: Database
  /** The database of another deployment, which never fails. */
  readonly home: Database
  readonly weather: Weather
  readonly history: History
  readonly names: readonly string[]
  placeOf(name: string): Place
  /** Returns the living processes with a name: two while one replaces the other. */
  instancesOf(name: string): readonly Instance[]
  all(): readonly Instance[]
  start(name: string): Instance
  /** Returns how often a revocation at any process had to wait for a lease to end. */
  readonly ranOut: () => number
}

/** The faults of the bus in normal operation. */
export const FAIR: Weather = { loss: 0.01, duplication: 0.02, lateness: 0.02, late: [1, 0.2 * LEASE_MS] }
/** The most faults that the bus can have. */
export const FOUL: Weather = { loss: 0.5, duplication: 0.3, lateness: 0.5, late: [1, 2 * LEASE_MS] }

const HOME = { commit: [0.5, 3], failure: 0, timeoutMs: LEASE_MS / 2 } as const

/** Builds the deployment of a schedule and starts all its processes. */
export function createWorld(schedule: Schedule, parts: Parts): World {
  const events = createEvents()
  const random = createRandom(schedule.seed + 0x5eed)
  const weather = { ...FAIR }
  const database = createDatabase(events, random, schedule.database)
  const home = createDatabase(events, createRandom(schedule.seed + 0x40e), HOME)
  const signals = createSignals(events, random, weather)
  const bus = createBus(events, random, weather)
  let counted = 0
  const count = () => {
    counted += 1
    return counted
  }
  const { keptFor } = schedule
  const around: Surroundings = { events, random, database, home, bus, signals, leaseMs: LEASE_MS, keptFor, count }
  const places = new Map(schedule.roles.map(({ name }) => [name, createPlace(events, random)]))
  const roles = new Map(schedule.roles.map((role) => [role.name, role]))
  const started: Instance[] = []
  const placeOf = (name: string) => known(places, name)
  const start = (name: string) => {
    const instance = startInstance(around, parts, known<Role>(roles, name), placeOf(name))
    started.push(instance)
    return instance
  }
  const all = () => started.filter(({ process }) => !process.isDead)
  for (const { name } of schedule.roles) start(name)
  return {
    events,
    random,
    database,
    home,
    weather,
    history: createHistory(events.now),
    names: schedule.roles.map(({ name }) => name),
    placeOf,
    instancesOf: (name) => all().filter((instance) => instance.name === name),
    all,
    start,
    ranOut: () => started.reduce((sum, { ranOut }) => sum + ranOut(), 0),
  }
}

function createPlace(events: Events, random: Random): Place {
  return {
    machine: createMachine(events, random),
    link: { isCut: false, request: [0.1, 1], reply: [0.1, 1], astray: 0, astrayChecks: 0 },
    busLink: { isCut: false, isConnected: true },
    homeLink: { isCut: false, request: [1, 20], reply: [1, 20], astray: 0, astrayChecks: 0 },
  }
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name)
  if (value === undefined) throw new Error(`Unknown name ${name}`)
  return value
}
