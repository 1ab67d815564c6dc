import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Connections } from '../platform/net/connections.ts'

/** The requests of one connection. The port answers one after the other, so that no answer waits in memory. */
export interface Pipeline {
  /** Calls `answer` after every earlier request is answered. Returns false if too many requests are waiting. */
  push(request: IncomingMessage, response: ServerResponse, answer: () => void): boolean
  /** Returns whether a complete request is still not answered, or an answer has begun before its request ended. */
  isAnswering(): boolean
}

/** The most requests that wait on one connection for earlier answers (RFC 9112 section 9.3.2). */
const MAX_WAITING = 16

/** Creates the pipeline of a connection. When the connection closes, waiting requests are dropped. */
export function createPipeline(socket: Socket, connection: NonNullable<ReturnType<Connections['admit']>>): Pipeline {
  const waiting: (() => void)[] = []
  let current: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined
  const next = (): void => {
    current = undefined
    if (!socket.destroyed) waiting.shift()?.()
  }
  return {
    push(request, response, answer) {
      if (waiting.length >= MAX_WAITING) return false
      connection.begin()
      const start = (): void => {
        current = { request, response }
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
    isAnswering: () =>
      current?.request.complete === true || current?.response.headersSent === true || waiting.length > 0,
  }
}
