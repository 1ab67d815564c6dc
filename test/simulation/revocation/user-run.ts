import type { Violation } from './check-history.ts'
import { drawDelays, fulfil } from './clients.ts'
import { begin } from './faults.ts'
import type { Verification } from './history.ts'
import { keyOf, type Target } from './image.ts'
import type { Instance } from './instance.ts'
import type { Parts } from './parts.ts'
import { createRandom } from './random.ts'
import { drawSchedule, LEASE_MS, type Schedule } from './schedule.ts'
import type { UserOrder, UserToken } from './user-tokens.ts'
import { createUser, endingOf, rowOf, USER_PARTS, type UserPart } from './users.ts'
import { createWorld, type World } from './world.ts'

const USERS = ['user:own', 'user:guest'] as const

/** A wish to end one part of a user. */
interface UserWish {
  readonly at: number
  readonly patienceMs: number
  readonly user: string
  readonly part: UserPart
}

/** A schedule of faults in which tokens for users end. */
export interface UserSchedule extends Schedule {
  readonly userWishes: readonly UserWish[]
}

/** A token with the moment at which its client asked for it. */
interface HeldToken extends UserToken {
  readonly called: number
}

/** A verification of a token for a user. */
interface UserVerification extends Verification {
  readonly token: HeldToken
}

/** A run at its end. */
export interface UserRun {
  readonly schedule: UserSchedule
  readonly world: World
  readonly tokens: readonly HeldToken[]
  readonly verifications: readonly UserVerification[]
}

/** Draws a schedule with the faults of `drawSchedule`. Its wishes end parts of users, each at most once. */
export function drawUserSchedule(seed: number): UserSchedule {
  const schedule = drawSchedule(seed)
  const random = createRandom(seed + 0x05e7)
  const all = USERS.flatMap((user) => USER_PARTS.map((part) => ({ user, part })))
  const possible = random.shuffle(
    all.filter(({ user, part }) => user === 'user:guest' || (part !== 'users_to' && part !== 'agent')),
  )
  const userWishes = schedule.wishes.flatMap(({ at, patienceMs }, place) => {
    const chosen = possible[place]
    return chosen === undefined ? [] : [{ ...chosen, at, patienceMs }]
  })
  return { ...schedule, wishes: [], homeWishes: [], userWishes }
}

/** Runs a schedule to its end. Clients of users redeem codes and refresh tokens at any process all the time. */
export async function runForUsers(schedule: UserSchedule, parts: Parts): Promise<UserRun> {
  const world = createWorld(schedule, parts)
  const { events } = world
  world.database.image.users.set(USERS[0], createUser(USERS[0], 'itself'))
  world.database.image.users.set(USERS[1], createUser(USERS[1], 'another'))
  const clients = createClients(world)
  for (const fault of schedule.faults) events.after(fault.at, () => begin(world, fault))
  for (const user of USERS) clients.stayConnected(user)
  for (const wish of schedule.userWishes) events.after(wish.at, () => clients.end(wish))
  const lastWish = Math.max(...schedule.userWishes.map(({ at, patienceMs }) => at + patienceMs))
  await events.runUntil(Math.max(schedule.healedAt, lastWish) + 2.5 * LEASE_MS)
  return { schedule, world, ...clients }
}

/** Creates the clients of the users, and everything that they see. */
function createClients(world: World) {
  const { events, random, history } = world
  const tokens: HeldToken[] = []
  const verifications: UserVerification[] = []
  /** The current connection of each user. */
  const connections = new Map<string, string>()
  let codes = 0
  const newCode = (user: string): UserOrder => {
    codes += 1
    const { edges } = rowOf(world.database.image, user)
    return { user, connection: `connection ${codes} of ${user}`, n: undefined, clientEdge: edges.client }
  }
  const present = () => world.all().filter(({ isOlder }) => !isOlder)
  const verify = (to: Instance, token: HeldToken, ms: number) =>
    events.after(ms, () => {
      const seen: UserVerification = { token, target: '', process: to.name, sent: history.moment() }
      verifications.push(seen)
      to.process.deliver(() => {
        void to.users.verify(token).then((answer) => Object.assign(seen, answer, { answered: history.moment() }))
      })
    })
  /** Asks every process about the last tokens that rest on a target. */
  const askAbout = (_: World, target: Target) => {
    const ended = tokens.filter(({ restsOn }) => restsOn.has(keyOf(target))).slice(-4)
    for (const to of present()) for (const token of ended) for (const ms of drawDelays(world)) verify(to, token, ms)
  }
  /** Sends a request to any process. Gives up after the length of a lease. */
  const request = (order: UserOrder, then: (answer: UserToken | 'used' | 'gone' | undefined) => void) => {
    const processes = present()
    if (processes.length === 0) return then(undefined)
    const to = random.pick(processes)
    const called = history.moment().order
    let isOver = false
    const finish = (answer: UserToken | 'used' | 'gone' | undefined) => {
      if (isOver) return
      isOver = true
      if (answer !== undefined && typeof answer !== 'string') {
        const token = { ...answer, called }
        tokens.push(token)
        for (const each of present()) verify(each, token, random.pick([0, 0.01, 0.2, 1]) * LEASE_MS)
      }
      then(answer)
    }
    events.after(LEASE_MS, () => finish(undefined))
    to.process.deliver(() => void to.users.issue(order).then(finish, () => finish(undefined)))
  }
  const stayConnected = (user: string, order = newCode(user)) =>
    request(order, (answer) => {
      const isToken = answer !== undefined && typeof answer !== 'string'
      if (isToken) connections.set(user, answer.connection)
      // A lost answer to a code cannot be asked for again; a lost answer to a refresh token can.
      const isLost = answer === undefined && order.n !== undefined
      const next = isToken ? answer : isLost ? order : newCode(user)
      events.after(random.between(0.02, 0.3) * LEASE_MS, () => stayConnected(user, next))
    })
  return {
    tokens,
    verifications,
    stayConnected,
    /** Ends a part of a user while other tokens of the user are being issued. */
    end({ user, part, patienceMs }: UserWish) {
      const connection = connections.get(user)
      if (connection === undefined) return
      const target = endingOf(rowOf(world.database.image, user), part, connection)
      fulfil(world, { at: events.now(), target, patienceMs }, askAbout)
      for (let each = 0; each < 3; each += 1) {
        events.after(random.between(0, 6), () => request(newCode(user), () => undefined))
      }
    },
  }
}

/**
 * Lists what breaks a promise: an answer `valid` to a verification that was sent after an ending of something on which
 * the token rests had returned, and a token for a request that was sent after that.
 */
export function judgeUsers({ world, tokens, verifications }: UserRun): readonly Violation[] {
  const returned = new Map<string, number>()
  for (const { target, outcome, returned: moment } of world.history.revocations) {
    if (outcome !== 'acknowledged' || moment === undefined) continue
    returned.set(target, Math.min(moment.order, returned.get(target) ?? Number.POSITIVE_INFINITY))
  }
  const endedBefore = (token: HeldToken, order: number) =>
    [...token.restsOn].find((target) => (returned.get(target) ?? Number.POSITIVE_INFINITY) < order)
  const late = tokens.flatMap((token): readonly Violation[] => {
    const target = endedBefore(token, token.called)
    return target === undefined ? [] : [{ promise: 'no token after an ending', what: token.connection, target }]
  })
  const wrong = verifications.flatMap(({ token, process, sent, answered, answer, from }): readonly Violation[] => {
    const target = endedBefore(token, sent.order)
    const { expired } = world.history
    const hasExpired = (answered?.time ?? 0) >= Math.min(token.expiresAt, expired.get(target ?? '') ?? token.expiresAt)
    if (answer !== 'valid' || target === undefined || hasExpired) return []
    const what = `${process} answered valid from ${from}, sent ${sent.time.toFixed(1)}`
    return [{ promise: 'effective on return', what, target }]
  })
  return [...late, ...wrong]
}
