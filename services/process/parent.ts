import type { Ports } from '../compose/start-listeners.ts'

/** How often a process checks that its parent still runs, in milliseconds. */
const CHECK_MS = 500

/** Sent to a parent with a channel to this process once it listens, so that the parent need not read the log. */
export interface ListeningMessage {
  readonly kind: 'listening'
  readonly ports: Ports
}

/** Sends the message to the parent if it has a channel to this process. Earlier log lines are written first. */
export function tellParent(message: ListeningMessage): void {
  setImmediate(() => process.send?.(message))
}

/**
 * Calls `gone` once when the parent process has ended. No signal announces that, so this checks at an interval. The
 * check does not keep this process alive. Do not use it in a daemon, whose parent ends early.
 */
export function whenParentEnds(gone: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, CHECK_MS).unref()
}
