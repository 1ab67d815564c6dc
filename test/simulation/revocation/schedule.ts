import { ACME_DID } from '../../support/federation/foreign-parties.ts'
import type { DatabaseOptions, Link } from './database.ts'
import type { Target } from './image.ts'
import type { Role } from './instance.ts'
import { createRandom, type Random } from './random.ts'

/** The lease of the simulated deployment, in milliseconds. */
export const LEASE_MS = 2_000

type Astray = Pick<Link, 'astray' | 'astrayChecks'>

/** A fault of one process, or of all of them. Durations are in milliseconds of true time. */
export type Fault = { readonly at: number; readonly ms: number } & (
  | { readonly kind: 'pause' | 'sleep' | 'crash' | 'cut-database' | 'slow-statements'; readonly process: string }
  | { readonly kind: 'slow-answers' | 'cut-home'; readonly process: string }
  | { readonly kind: 'cut-bus'; readonly process: string; readonly isNoticed: boolean }
  | ({ readonly kind: 'promote-unfenced'; readonly process: string } & Astray)
  | { readonly kind: 'set-wall'; readonly process: string; readonly by: number }
  | { readonly kind: 'replace'; readonly process: string; readonly isGraceful: boolean }
  | { readonly kind: 'bad-bus' | 'compact' | 'unknown-kind' | 'fail-over' | 'stall-standby' }
  | { readonly kind: 'crash-database'; readonly catchUpMs: number; readonly isLost: boolean }
)

/** A client's wish to end a target. */
export interface Wish {
  readonly at: number
  readonly target: Target
  /** How long the client waits for each attempt. */
  readonly patienceMs: number
}

/** All choices of a run. They are made before the run begins. */
export interface Schedule {
  readonly seed: number
  readonly roles: readonly Role[]
  readonly database: DatabaseOptions
  readonly keptFor: number
  readonly faults: readonly Fault[]
  readonly wishes: readonly Wish[]
  /** What ends at the other deployment. */
  readonly homeWishes: readonly Pick<Wish, 'at' | 'target'>[]
  /** When the last fault has ended. */
  readonly healedAt: number
  /**
   * Whether the database has no fault, so only verifiers and the bus are broken. In such a run, a revocation takes no
   * longer than a lease and a few statements.
   */
  readonly isDatabaseWell: boolean
}

const FOREVER = 1e9
type Make = (random: Random, process: string, at: number, ms: number) => readonly Fault[]

const cutBus = (random: Random, process: string, at: number, ms: number): Fault => ({
  kind: 'cut-bus',
  process,
  at,
  ms,
  isNoticed: random.chance(0.3),
})

/** Cuts one process off from all other processes, so that a verifier may keep a token in memory that has ended. */
const isolate: Make = (random, process, at, ms) => [
  cutBus(random, process, at - 0.6 * LEASE_MS, ms + LEASE_MS),
  { kind: 'cut-database', process, at: at + random.between(0, 0.3) * LEASE_MS, ms },
]

/** Delays answers that were true when they left the database. */
const delay: Make = (random, process, at, ms) => [
  cutBus(random, process, at - 0.1 * LEASE_MS, ms + LEASE_MS),
  { kind: 'slow-answers', process, at, ms: ms + LEASE_MS },
]

/** Lets a verifier restart and join with slow statements and without the bus. */
const rejoin: Make = (random, process, at, ms) => [
  cutBus(random, process, at - 0.1 * LEASE_MS, ms + LEASE_MS),
  { kind: 'slow-statements', process, at: at - 0.1 * LEASE_MS, ms: ms + LEASE_MS },
  { kind: 'crash', process, at, ms: 0.1 * ms },
]

/** Lets a restarted primary show a commit that the standby does not have, and loses the commit with that primary. */
const loseTail: Make = (random, process, at, ms) => [
  // The process is stopped, so a revocation waits for it and reads the log repeatedly.
  { kind: 'pause', process, at: at - 0.3 * LEASE_MS, ms: random.between(0.3, 0.6) * LEASE_MS },
  { kind: 'stall-standby', at: at - 0.1 * LEASE_MS, ms: 0.1 * LEASE_MS + 1 },
  {
    kind: 'crash-database',
    at,
    ms: random.between(1, 0.05 * LEASE_MS),
    catchUpMs: random.between(0.02, 0.15) * ms,
    isLost: random.chance(0.9),
  },
]

const ASTRAY: readonly Astray[] = [
  { astray: 1, astrayChecks: 1 },
  { astray: 0.5, astrayChecks: 0.5 },
  { astray: 0.2, astrayChecks: 0.2 },
  { astray: 0, astrayChecks: 1 },
]

/**
 * Lets a standby take over while the old primary still answers one process: all its statements, or some of them.
 * Without the bus, that process hears nothing from the others.
 */
const split: Make = (random, process, at, ms) => [
  ...(random.chance(0.7) ? [cutBus(random, process, at - 0.1 * LEASE_MS, ms + 2 * LEASE_MS)] : []),
  { kind: 'promote-unfenced', process, at, ms: ms + 1.5 * LEASE_MS, ...random.pick(ASTRAY) },
]

const ON_VERIFIERS: readonly Make[] = [
  (random, process, at, ms) => [{ kind: random.pick(['pause', 'sleep', 'crash']), process, at, ms }],
  (random, process, at, ms) => [cutBus(random, process, at, ms)],
  (random, process, at, ms) => [{ kind: 'replace', process, at, ms, isGraceful: random.chance(0.6) }],
  (_, __, at, ms) => [{ kind: 'bad-bus', at, ms }],
  (random, _, at, ms) => [{ kind: random.pick(['unknown-kind', 'compact']), at, ms }],
  isolate,
  delay,
  rejoin,
  (random, process, at, ms) => [
    ...isolate(random, process, at, ms),
    {
      kind: 'set-wall',
      process,
      at: at + random.between(0.1, 0.8) * LEASE_MS,
      ms,
      by: -random.between(1, 60) * LEASE_MS,
    },
  ],
]

const ON_THE_DATABASE: readonly Make[] = [
  (random, process, at, ms) => [
    { kind: random.pick(['cut-database', 'slow-statements', 'slow-answers']), process, at, ms },
  ],
  (random, _, at, ms) => [
    { kind: 'crash-database', at, ms: ms / 4, catchUpMs: random.between(0, LEASE_MS), isLost: random.chance(0.5) },
  ],
  (_, __, at, ms) => [{ kind: 'fail-over', at, ms: ms / 4 }],
  loseTail,
  split,
]

/** Draws a schedule, which is the same for the same seed. */
export function drawSchedule(seed: number): Schedule {
  const random = createRandom(seed)
  const isDatabaseWell = random.chance(0.3)
  const roles = drawRoles(random)
  const makes = isDatabaseWell ? ON_VERIFIERS : [...ON_VERIFIERS, ...ON_THE_DATABASE, ...ON_THE_DATABASE]
  const drawn = Array.from({ length: 1 + random.below(4) }, () => {
    const at = random.between(1, 5) * LEASE_MS
    const ms = random.between(0.2, 2.5) * LEASE_MS
    // The first role, the revoker, gets no faults, so that its times show only the effect of faults of other
    // processes.
    return random.pick(makes)(random, random.pick(roles.slice(1)).name, at, ms)
  }).flat()
  // A machine that sleeps while its wall clock is set back has no reliable clock. The code assumes that this does not
  // happen, so no process gets both faults.
  const sleepers = new Set(drawn.map((fault) => (fault.kind === 'sleep' ? fault.process : undefined)))
  const own = drawn.filter((fault) => fault.kind !== 'set-wall' || !sleepers.has(fault.process))
  const home = drawHome(createRandom(seed + 0x40e), roles)
  const faults = [...own, ...home.faults]
  return {
    seed,
    roles,
    database: {
      commit: random.chance(0.3) ? [1, 0.2 * LEASE_MS] : [0.5, 3],
      failure: isDatabaseWell || random.chance(0.7) ? 0 : random.between(0, 0.05),
      timeoutMs: random.between(0.5, 2.5) * LEASE_MS,
    },
    keptFor: own.some(({ kind }) => kind === 'compact') ? random.between(1, 3) * LEASE_MS : FOREVER,
    faults,
    healedAt: Math.max(...faults.map((fault) => fault.at + fault.ms + ('catchUpMs' in fault ? fault.catchUpMs : 0))),
    wishes: drawWishes(random, own),
    homeWishes: home.wishes,
    isDatabaseWell,
  }
}

function drawRoles(random: Random): readonly Role[] {
  const verifiers = Array.from({ length: 1 + random.below(3) }, (_, index) => ({
    name: `verifier-${index}`,
    verifies: true,
    revokes: random.chance(0.4),
    isOlder: random.chance(0.2),
  }))
  return [{ name: 'revoker', verifies: random.chance(0.3), revokes: true, isOlder: false }, ...verifiers]
}

/** Draws revocations at any time, but most of them close to a fault. */
function drawWishes(random: Random, faults: readonly Fault[]): readonly Wish[] {
  return Array.from({ length: 3 + random.below(4) }, (_, index) => {
    const kind = random.pick(['token', 'token', 'agent', 'operator', 'operator', 'key', 'issuer', 'edge'])
    const near = nearTo(random, random.pick(faults))
    return {
      at: Math.max(0.2 * LEASE_MS, random.chance(0.7) ? near : random.between(0.2, 7) * LEASE_MS),
      target: {
        kind,
        operatorId: ['key', 'issuer', 'edge'].includes(kind) ? '' : `operator-${index}`,
        subject: kind === 'operator' ? '' : `subject-${index}`,
        minimumEpoch: ['agent', 'operator', 'issuer'].includes(kind) ? 2 : 0,
      },
      patienceMs: random.between(0.3, 3) * LEASE_MS,
    }
  })
}

/** Draws what ends at the other deployment, and cuts one process off from it, most often when something ends. */
function drawHome(random: Random, roles: readonly Role[]) {
  const wishes = Array.from({ length: 1 + random.below(2) }, (_, index) => {
    const kind = random.pick(['token', 'agent', 'operator', 'key', 'edge'])
    return {
      at: random.between(1, 5) * LEASE_MS,
      target: {
        at: 'home' as const,
        kind,
        operatorId: ['key', 'edge'].includes(kind) ? '' : `operator-at-home-${index}`,
        subject: kind === 'agent' ? `${ACME_DID.slice(0, -1)}${index}` : `subject-at-home-${index}`,
        minimumEpoch: ['agent', 'operator'].includes(kind) ? 2 : 0,
      },
    }
  })
  const faults = wishes.map(({ at }) => ({
    kind: 'cut-home' as const,
    process: random.pick(roles).name,
    at: at + random.between(-1, 0.5) * LEASE_MS,
    ms: random.between(0.5, 3) * LEASE_MS,
  }))
  return { wishes, faults }
}

function nearTo(random: Random, fault: Fault): number {
  if (fault.kind !== 'crash-database')
    return fault.at + random.pick([0, 0, fault.ms]) + random.between(-0.1, 0.6) * LEASE_MS
  // The revocation begins shortly before the crash, so that it is running when the database stops, or shortly after
  // the recovery.
  const since = random.pick([random.between(-0.25, 0), random.between(-0.1, 0), random.between(0, 0.1)]) * LEASE_MS
  return fault.at + since + (since < 0 ? 0 : fault.ms + fault.catchUpMs)
}
