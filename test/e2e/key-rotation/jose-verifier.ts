import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { CachingVerifier } from './caching-verifier.ts'

/** How the verifier is started. */
interface JoseOptions {
  /** Where the key set is. */
  readonly url: string
  /** How many seconds of jose pass in a second. */
  readonly rate: number
}

/** A token to verify. */
export interface JoseRequest {
  readonly id: number
  readonly token: string
}

/** What became of it. */
export interface JoseAnswer {
  readonly id: number
  readonly problem?: string | undefined
  /** How often the key set has been fetched so far. */
  readonly fetches: number
}

/** jose, somewhere else. */
export interface JoseVerifier extends CachingVerifier {
  /** How often it has fetched the key set so far. */
  readonly fetches: number
  stop(): Promise<void>
}

/** Starts jose with its remote key set in a process of its own. */
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
