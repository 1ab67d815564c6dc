import type { History } from './history.ts'
import { isAboutTrust, keyOf } from './image.ts'
import type { Run } from './run.ts'
import { LEASE_MS } from './schedule.ts'

/** A promise of the revocation log that a run has broken. */
export interface Violation {
  readonly promise:
    | 'effective on return'
    | 'nothing is lost'
    | 'no longer than a lease'
    | 'recovers by itself'
    | 'no token after an ending'
  readonly what: string
  readonly target: string
}

/** Checks a run against the promises. */
export function checkHistory(run: Run): readonly Violation[] {
  return [...saidValid(run.world.history), ...lost(run), ...tookTooLong(run), ...notRecovered(run)]
}

/** Lists verifications that were sent after a revocation had returned success, and answered `valid`. */
export function saidValid(history: History): readonly Violation[] {
  const { revocations, endedAtHome, verifications, expired } = history
  const returned = new Map([...endedAtHome].map(([target, { order }]) => [target, order]))
  for (const { target, outcome, returned: moment } of revocations)
    if (outcome === 'acknowledged' && moment !== undefined)
      returned.set(target, Math.min(moment.order, returned.get(target) ?? Number.POSITIVE_INFINITY))
  return verifications.flatMap(({ target, process, sent, answered, answer, from }): readonly Violation[] => {
    const isLate = sent.order > (returned.get(target) ?? Number.POSITIVE_INFINITY)
    const hasExpired = answered !== undefined && answered.time >= (expired.get(target) ?? Number.POSITIVE_INFINITY)
    if (answer !== 'valid' || !isLate || hasExpired) return []
    return [
      {
        promise: 'effective on return',
        what: `${process} answered valid from ${from}, sent ${sent.time.toFixed(1)}, answered ${answered?.time.toFixed(1)}`,
        target,
      },
    ]
  })
}

function lost({ world: { history, database } }: Run): readonly Violation[] {
  const { ended, log } = database.image
  const logged = new Set(log.map(keyOf))
  return history.revocations
    .filter(({ outcome, target }) => outcome === 'acknowledged' && !history.expired.has(target))
    .filter(({ target }) => !ended.has(target) || !logged.has(target))
    .map(({ target, process }) => ({ promise: 'nothing is lost', what: `${process} had returned success`, target }))
}

/** Lists revocations that took too long. Checks only runs in which the database had no fault. */
function tookTooLong({ schedule, world: { history } }: Run): readonly Violation[] {
  if (!schedule.isDatabaseWell) return []
  const [, commitMs] = schedule.database.commit
  // A call waits for its own commit, for its reading of the members, and for the removal of members whose lease has
  // ended. Other processes remove the same members at the same time.
  const most = 1.05 * LEASE_MS + (2 * schedule.roles.length + 4) * (commitMs + 4)
  return history.revocations.flatMap(({ process, called, returned, target }): readonly Violation[] => {
    const took = (returned?.time ?? called.time) - called.time
    if (process !== 'revoker' || took <= most) return []
    return [{ promise: 'no longer than a lease', what: `took ${took.toFixed(0)} ms of ${most.toFixed(0)}`, target }]
  })
}

function notRecovered({ last, schedule, world: { database, home, history } }: Run): readonly Violation[] {
  const older = new Set(schedule.roles.filter(({ isOlder }) => isOlder).map(({ name }) => name))
  const isUnknownToOlder = database.image.log.some(isAboutTrust)
  return last.flatMap(({ target, process, answer, from }): readonly Violation[] => {
    if (isUnknownToOlder && older.has(process) && answer !== 'valid') return []
    const right = [database, home].some(({ image }) => image.ended.has(target)) ? 'ended' : 'valid'
    const isRight = answer === right || (history.expired.has(target) && answer === 'valid')
    if (isRight && from === 'memory') return []
    return [{ promise: 'recovers by itself', what: `${process} answers ${answer} from ${from}, not ${right}`, target }]
  })
}

/** Describes a violation and the events around it, one event in each line. */
export function tell({ schedule, world: { history } }: Run, { promise, what, target }: Violation): string {
  const moments = [
    ...history.faults.map((fault) => ({ time: fault.time, text: fault.what })),
    ...history.revocations
      .filter((call) => call.target === target)
      .map(({ called, returned, process, outcome }) => ({
        time: called.time,
        text: `${process} is asked to end ${target}: ${outcome ?? 'no answer'} at ${returned?.time.toFixed(1)}`,
      })),
  ]
  const lines = moments
    .toSorted((one, other) => one.time - other.time)
    .map(({ time, text }) => `${time.toFixed(1)} ${text}`)
  return [`seed ${schedule.seed}: ${promise}: ${target}: ${what}`, ...lines].join('\n  ')
}
