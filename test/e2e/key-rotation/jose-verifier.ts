import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { CachingVerifier } from './caching-verifier.ts'

/** Options of startJose. */
interface JoseOptions {
  /** The URL of the JWKS. */
  readonly url: string
  /** How many seconds of jose's clock pass in a second. */
  readonly rate: number
}

/** A token to verify. */
export interface JoseRequest {
  readonly id: number
  readonly token: string
}

/** The result of a verification. */
export interface JoseAnswer {
  readonly id: number
  readonly problem?: string | undefined
  /** How often the process has fetched the JWKS so far. */
  readonly fetches: number
}

/** A verifier that runs jose in another process. */
export interface JoseVerifier extends CachingVerifier {
  /** How often the process has fetched the JWKS so far. */
  readonly fetches: number
  stop(): Promise<void>
}

/** Starts jose with its remote key set in its own process. */
export function startJose({ url, rate }: JoseOptions): JoseVerifier {
  const child = fork(new URL('./jose-program.ts', import.meta.url), [url, String(rate)], { execArgv: [] })
  const waiting = new Map<number, PromiseWithResolvers<void>>()
  let count = 0
  let fetches = 0
  child.on('message', (answer: JoseAnswer) => {
    fetches = answer.fetches
    const { resolve, reject } = waiting.get(answer.id) ?? {}
    waiting.delete(answer.id)
    if (answer.problem === undefined) resolve?.()
    else reject?.(new Error(answer.problem))
  })
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`jose ended with status ${code}`))
  })
  return {
    get fetches() {
      return fetches
    },
    verify(token) {
      const settled = Promise.withResolvers<void>()
      count += 1
      waiting.set(count, settled)
      const request: JoseRequest = { id: count, token }
      child.send(request, (error) => error && settled.reject(error))
      return settled.promise
    },
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
