import { ApiError } from '../platform/errors/api-error.ts'
import { createExpiry } from '../platform/schedule/expiry.ts'

/** Does the work, and throws DEADLINE_EXCEEDED when it takes longer, in milliseconds; with no time left it does not begin. */
export type WithDeadline = <T>(ms: number, work: () => Promise<T>) => Promise<T>

/** Calls what is to be done once it is late, unless what it returns is called before. */
type Arm = (late: () => void) => () => void

/**
 * Makes deadlines. Those of `usualMs` share a timer, which does not keep the process alive: one of its own costs a call more than
 * most of its checks.
 */
export function createDeadline(usualMs: number): WithDeadline {
  const usual = createExpiry<() => void>(usualMs, (late) => late())
  const armUsual: Arm = (late) => {
    const expiring = usual.add(late)
    return () => usual.delete(expiring)
  }
  return (ms, work) => race(work, ms <= 0 ? undefined : ms === usualMs ? armUsual : armTimer(ms))
}

/** A deadline with a timer of its own. */
export const withDeadline: WithDeadline = (ms, work) => race(work, ms <= 0 ? undefined : armTimer(ms))

function armTimer(ms: number): Arm {
  return (late) => {
    const timer = setTimeout(late, ms)
    return () => clearTimeout(timer)
  }
}

function race<T>(work: () => Promise<T>, arm: Arm | undefined): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const late = () => reject(new ApiError('DEADLINE_EXCEEDED'))
  if (arm === undefined) late()
  else void settle(work, arm(late), resolve, reject)
  return promise
}

async function settle<T>(
  work: () => Promise<T>,
  disarm: () => void,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Promise<void> {
  try {
    resolve(await work())
  } catch (error) {
    reject(error)
  } finally {
    disarm()
  }
}
