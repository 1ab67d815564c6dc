import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Connections } from '../platform/net/connections.ts'

/** The requests of one connection. They are answered one after the other, so no answer waits in memory behind another. */
export interface Pipeline {
  /** Calls `answer` once every request before this one is answered. Answers false when too many wait already. */
  push(request: IncomingMessage, response: ServerResponse, answer: () => void): boolean
  /** Whether a request that has come as a whole waits for its answer. */
  isAnswering(): boolean
}

/** Requests that may wait on a connection for the answer to the one before them (RFC 9112 section 9.3.2). */
const MAX_WAITING = 16

/** Creates the pipeline of a connection. Requests that wait when it closes are dropped. */
export function createPipeline(socket: Socket, connection: NonNullable<ReturnType<Connections['admit']>>): Pipeline {
  const waiting: (() => void)[] = []
  let current: IncomingMessage | undefined
  const next = (): void => {
    current = undefined
    if (!socket.destroyed) waiting.shift()?.()
  }
  return {
    push(request, response, answer) {
      if (waiting.length >= MAX_WAITING) return false
      connection.begin()
      const start = (): void => {
        current = request
        answer()
      }
      response.once('close', () => {
        connection.end()
        next()
      })
      if (current === undefined) start()
      else waiting.push(start)
      return true
    },
    isAnswering: () => current?.complete === true || waiting.length > 0,
  }
}
