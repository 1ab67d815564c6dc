import type { Socket } from 'node:net'

/** The connections of one listener. */
export interface Connections {
  add(socket: Socket): void
  /** Resolves once all of them are closed. */
  allClosed(): Promise<void>
}

/**
 * Counts connections that grpc-js was given. It does not wait for those itself: Node marks their sessions as closed before
 * it looks, while calls are in flight on them still.
 */
export function createConnections(): Connections {
  let open = 0
  let waiting: (() => void) | undefined
  return {
    add(socket) {
      open += 1
      socket.once('close', () => {
        open -= 1
        if (open === 0) waiting?.()
      })
    },
    allClosed() {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting = resolve
      if (open === 0) resolve()
      return promise
    },
  }
}
