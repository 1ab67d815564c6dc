import { setTimeout as delay } from 'node:timers/promises'
import type { RunningProcess } from '../../support/server.ts'

/** A process with somebody who starts it again. */
export interface Supervised {
  /** Ends it with SIGKILL; resolves when it serves again. */
  crash(): Promise<void>
  /** Resolves when it serves; at once when it does. */
  up(): Promise<void>
  /** Times that it ended and nobody had ended it. */
  readonly ownEnds: readonly string[]
  /** Ends it for good. */
  stop(): Promise<void>
}

/** Pause before each start, as a supervisor makes one so that a process that cannot start does not take the machine. */
const PAUSE_MS = 100

/** Starts a process again whenever it has ended, until it serves: one whose database is away cannot. */
export function supervise(name: string, server: RunningProcess): Supervised {
  const ownEnds: string[] = []
  const stopping = new AbortController()
  const { signal } = stopping
  let killed = false
  let up = Promise.resolve()
  const startAgain = async () => {
    while (!signal.aborted) {
      await delay(PAUSE_MS)
      const isUp = await server.restart().then(
        () => true,
        () => false,
      )
      if (isUp) return
    }
  }
  const watch = async () => {
    while (!signal.aborted) {
      const status = await server.ended
      if (signal.aborted) return
      if (!killed) ownEnds.push(`${name} ended by itself with status ${status}`)
      killed = false
      up = startAgain()
      await up
    }
  }
  const watching = watch()
  return {
    async crash() {
      killed = true
      await server.kill()
      // The watcher sees the end a moment later.
      await delay(0)
      await up
    },
    up: () => up,
    ownEnds,
    async stop() {
      stopping.abort()
      await server.stop()
      await watching
      // It may have been on its way up.
      await server.stop()
    },
  }
}
