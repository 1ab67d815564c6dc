import { setTimeout as delay } from 'node:timers/promises'
import type { RunningProcess } from '../../support/server.ts'

/** A process that is restarted whenever it ends. */
export interface Supervised {
  /** Kills the process with SIGKILL. Resolves when it serves again. */
  crash(): Promise<void>
  /** Resolves when the process serves. If it already serves, resolves at once. */
  up(): Promise<void>
  /** The times that the process ended without being killed. */
  readonly ownEnds: readonly string[]
  /** Stops the process for good. */
  stop(): Promise<void>
}

/** The pause before each start. Without it, a process that cannot start would use the whole machine. */
const PAUSE_MS = 100

/**
 * Restarts a process whenever it has ended. Tries again until it serves, because it cannot start without a database.
 */
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
      // The loop that restarts the process notices its end a moment later.
      await delay(0)
      await up
    },
    up: () => up,
    ownEnds,
    async stop() {
      stopping.abort()
      await server.stop()
      await watching
      // The process may have started in the meantime, so stop it again.
      await server.stop()
    },
  }
}
