import type { Follower } from '@auth4agent/core/revocation/follower'
import type { TokenIdentity, TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { checkMemory } from '../../../services/revocation/check-memory.ts'
import type { FromDatabase } from '../../../services/revocation/count-answers.ts'
import type { LogFollower } from '../../../services/revocation/log-follower.ts'
import type { SettleDeps } from '../../../services/revocation/settle.ts'
import { basisThrough, chainThrough, exchangedFor, type Form, tokenOf } from './bearers.ts'
import type { BusLink, createBus, Signals } from './bus.ts'
import { chainedThrough } from './chained-bearers.ts'
import { createProcess, type Machine, type Process } from './clocks.ts'
import type { Database, Link } from './database.ts'
import type { Events } from './events.ts'
import { followHome } from './home.ts'
import { type Image, isAboutTrust, keyOf, type Target } from './image.ts'
import type { Databases, Parts } from './parts.ts'
import type { Random } from './random.ts'
import { createStatements } from './statements.ts'
import { createForUsers, type ForUsers } from './user-tokens.ts'

/** The database, the bus and the other things that all processes share. */
export interface Surroundings {
  readonly events: Events
  readonly random: Random
  readonly database: Database
  /** The database of another deployment. */
  readonly home: Database
  readonly bus: ReturnType<typeof createBus>
  readonly signals: Signals
  readonly leaseMs: number
  /** How long a record is kept, in milliseconds. */
  readonly keptFor: number
  /** Returns 1, 2, 3 and so on. */
  readonly count: () => number
}

/** The role of a process: whether it verifies, and whether it revokes. */
export interface Role {
  readonly name: string
  readonly verifies: boolean
  readonly revokes: boolean
  /** Whether it is a process of an older version, which does not know the kinds of records about trust. */
  readonly isOlder: boolean
}

/** The machine and connections of the processes with one name. */
export interface Place {
  readonly machine: Machine
  readonly link: Link
  readonly busLink: BusLink
  readonly homeLink: Link
}

/** The answer of a verification, and its source. */
export interface Answer {
  readonly answer: 'valid' | 'ended' | 'unavailable'
  readonly from: 'memory' | 'database'
}

/** A running process with the code under test. */
export interface Instance extends Role {
  readonly process: Process
  readonly verifier: LogFollower | undefined
  /** Returns how often a revocation at this process had to wait for a lease to end. */
  readonly ranOut: () => number
  verify(target: Target, form: Form): Promise<Answer>
  revoke(target: Target): Promise<void>
  readonly users: ForUsers
  stop(): Promise<void>
}

/** Memory knows each subject, except in some verifications while there are two primaries: see rule (f2). */
const SEEN = { has: () => true }
const UNSEEN = { has: () => false }

/** Starts a process on a machine. */
export function startInstance(around: Surroundings, parts: Parts, role: Role, place: Place): Instance {
  const { machine, link, busLink, homeLink } = place
  const { events, random, database, leaseMs, keptFor } = around
  const process = createProcess(events, random, machine)
  const signals = around.signals.attach(process, link)
  const bus = around.bus.attach(process, busLink)
  const store = createStatements(database, process, link, around.signals)
  const { clock } = process
  const log = { info() {}, warn() {} }
  const newIncarnation = () => `${role.name}.${around.count()}`
  const verifierDeps = { store, bus, signals, clock, leaseMs, newIncarnation, log }
  const create = () =>
    role.isOlder ? parts.createOlderLogFollower(verifierDeps) : parts.createLogFollower(verifierDeps)
  const verifier = role.verifies ? create() : undefined
  verifier?.start()
  const home = followHome(around.home, process, homeLink)
  const checkLink: Link = {
    get isCut() {
      return link.isCut
    },
    get request() {
      return link.request
    },
    get reply() {
      return link.reply
    },
    get astray() {
      return link.astrayChecks
    },
    astrayChecks: 0,
  }
  let ranOut = 0
  const observe = (_: number, count: number) => {
    ranOut += count
  }
  const durability = { demand() {} }
  const settleDeps: SettleDeps = { store, bus, signals, clock, verifier, durability, observe }
  const settle = parts.createSettle(settleDeps)
  const commit = (target: Target) => () =>
    database.write(process, link, (image) => {
      const record = parts.end(image, target, events.now(), keptFor)
      // If the record becomes visible only after a restart of the database, there is no notification for it.
      if (record !== undefined && !database.isDown) around.signals.record(record.sequence)
      return record !== undefined
    })
  const databases = (target: Target): Databases => ({
    primary: () => database.read(process, link, (image) => fromDatabase(image, target, events.now())),
    standby: () =>
      database.read(process, link, (image) => fromDatabase(image, target, events.now() - random.between(0, leaseMs))),
  })
  /** As check-token.ts does, reads in the same statement whether the log has a record of an unknown kind. */
  const asVerifier = async (target: Target): Promise<FromDatabase<boolean>> => {
    const read = (image: Image) => ({
      isUnknown: role.isOlder && image.log.some(isAboutTrust),
      ...fromDatabase(image, target, events.now()),
    })
    const { isUnknown, ...told } = await database.read(process, checkLink, read)
    if (isUnknown) throw new Error('The log has a record of an unknown kind')
    return told
  }
  const count = parts.createCountAnswer(store)
  const ask: Ask = (target, recall) =>
    count(
      parts.ask({ primary: () => asVerifier(target), standby: databases(target).standby }),
      recall,
      (known, told) => known || told,
    )
  return {
    ...role,
    process,
    verifier,
    ranOut: () => ranOut,
    async verify(target, form) {
      if (form === 'chained' && !role.isOlder) return askedTwice(parts, { verifier, home, ask }, target)
      const recall = (seen = SEEN) =>
        form === 'trust' && !role.isOlder
          ? checkTrust(verifier, target)
          : checkMemory(verifier, seen, lookedUp(parts, target, form).map(role.isOlder ? withoutTrust : asIs))
      const known = recall(database.isSplit && random.chance(0.2) ? UNSEEN : SEEN)
      if (known !== 'unknown') return { answer: known === undefined ? 'valid' : 'ended', from: 'memory' }
      return ask(target, () => asEnded(recall())).then(
        (isOver) => ({ answer: isOver ? 'ended' : 'valid', from: 'database' }),
        () => ({ answer: 'unavailable', from: 'database' }),
      )
    },
    revoke: (target) => parts.revoke({ ...databases(target), commit: commit(target), settle, deps: settleDeps }),
    users: createForUsers({
      parts,
      process,
      database,
      link,
      checkLink,
      verifier,
      count,
      ttlMs: keptFor / 2,
      now: () => events.now(),
    }),
    async stop() {
      await verifier?.stop()
      process.kill()
    },
  }
}

function lookedUp(parts: Parts, target: Target, form: Form): readonly TokenIdentity[] {
  if (form === 'token' || form === 'chained' || form === 'trust') return [tokenOf(target)]
  const lookups =
    form === 'chain' ? parts.lookupsOf(chainThrough(target)) : parts.delegatedLookupsOf(exchangedFor(target))
  return lookups.map(({ token }) => token)
}

interface Sources {
  readonly verifier: LogFollower | undefined
  readonly home: Follower
  readonly ask: Ask
}

/** Asks the database whether the target has ended. `recall` asks memory again when the answer arrives. */
type Ask = (target: Target, recall: () => boolean | 'unknown') => Promise<boolean>

const asEnded = (known: unknown): boolean | 'unknown' => (known === 'unknown' ? 'unknown' : known !== undefined)

/** Verifies a token for a grant of another deployment, whose log and that of this deployment are asked. */
async function askedTwice(parts: Parts, { verifier, home, ask }: Sources, target: Target): Promise<Answer> {
  let from: Answer['from'] = 'memory'
  const orAsk = async <T>(recall: () => T | 'unknown'): Promise<T | 'TOKEN_REVOKED' | undefined> => {
    const known = recall()
    if (known !== 'unknown') return known
    from = 'database'
    return (await ask(target, () => asEnded(recall()))) ? 'TOKEN_REVOKED' : undefined
  }
  const own = {
    check: (token: TokenIdentity) =>
      orAsk(() => {
        const known = checkMemory(verifier, SEEN, [token])
        return known === undefined || known === 'unknown' ? known : known.verdict
      }),
    checkTrust: (basis: TrustBasis) => orAsk(() => (verifier === undefined ? 'unknown' : verifier.checkTrust(basis))),
  }
  try {
    const verdict = await parts.checkChained({ own, home }, chainedThrough(target))
    if (verdict === 'ISSUER_REVOCATIONS_STALE') return { answer: 'unavailable', from }
    return { answer: verdict === undefined ? 'valid' : 'ended', from }
  } catch {
    return { answer: 'unavailable', from }
  }
}

const asIs = (token: TokenIdentity) => token

/** Returns a token as an older version looks it up. */
function withoutTrust({ edges: _edges, home: _home, ...token }: TokenIdentity): TokenIdentity {
  return token
}

function checkTrust(verifier: LogFollower | undefined, target: Target) {
  return verifier === undefined ? 'unknown' : verifier.checkTrust(basisThrough(target))
}

function fromDatabase(image: Image, target: Target, asOf: number): FromDatabase<boolean> {
  return { answer: isEnded(image, target, asOf), by: { server: image.server, isReplicated: true } }
}

/** Only the log says that trust has ended. Everything else is also in another table. */
function isEnded({ ended, log }: Image, target: Target, asOf: number): boolean {
  if (isAboutTrust(target) && !log.some((record) => keyOf(record) === keyOf(target))) return false
  return (ended.get(keyOf(target)) ?? Number.POSITIVE_INFINITY) <= asOf
}
