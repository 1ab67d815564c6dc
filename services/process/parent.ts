import type { Ports } from '../compose/listener.ts'

/** How often a process checks that its parent still runs, in milliseconds. */
const CHECK_MS = 500

/** The message that this process sends to its parent when it listens, so that the parent need not read the log. */
export interface ListeningMessage {
  readonly kind: 'listening'
  readonly ports: Ports
}

/** Sends a message to the parent if there is a channel to it. Waits one turn, so that earlier log lines come first. */
export function tellParent(message: ListeningMessage): void {
  setImmediate(() => process.send?.(message))
}

/**
 * Calls `gone` once when the parent process has ended. No signal reports the end of a parent, so a timer checks for
 * it. The timer does not keep this process alive. Do not use this function in a daemon, whose parent ends early.
 */
export function whenParentEnds(gone: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, CHECK_MS).unref()
}
