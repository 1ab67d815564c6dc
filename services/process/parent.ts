import type { Ports } from '../compose/start-listeners.ts'

/** How often a process looks whether its parent is still there, in milliseconds. */
const CHECK_MS = 500

/** What a parent with a channel to this process is told once it listens: it need not read the log for that. */
export interface ListeningMessage {
  readonly kind: 'listening'
  readonly ports: Ports
}

/** Tells the parent where this process listens, where there is a channel to it, after the lines that were logged before. */
export function tellParent(message: ListeningMessage): void {
  setImmediate(() => process.send?.(message))
}

/**
 * Calls `gone` once when the process that started this one has ended, which no signal tells. The check keeps nothing alive. It is
 * for a process that is meant to end with its parent: a daemon's ends early.
 */
export function whenParentEnds(gone: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, CHECK_MS).unref()
}
