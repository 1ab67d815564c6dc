import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Pkcs11Options } from '../../services/keys/pkcs11/pkcs11-provider.ts'
import type { PeerQuestion } from './token-peer-program.ts'

/** Another process that uses a token. */
export interface TokenPeer {
  /** What it answers, as JSON carries it. Throws what it could not do. */
  ask(question: PeerQuestion): Promise<unknown>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts another process on a token; resolves once it has opened it. */
export async function startPeer({ module, tokenLabel, pin }: Pkcs11Options): Promise<TokenPeer> {
  const child = fork(new URL('./token-peer-program.ts', import.meta.url), { execArgv: [] })
  const peer: TokenPeer = {
    async ask(question) {
      const answered = once(child, 'message')
      child.send(question)
      const [{ result, error }] = await answered
      if (error !== undefined) throw new Error(error)
      return result
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
  await peer.ask({ ask: 'open', options: { module, tokenLabel, pin } })
  return peer
}
