import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Pkcs11Options } from '../../services/keys/pkcs11/pkcs11-provider.ts'
import type { PeerQuestion } from './token-peer-program.ts'

/** A second process that uses a hardware token. */
export interface TokenPeer {
  /** Asks the peer. Returns its answer after a conversion to JSON and back. Throws the peer's error if it fails. */
  ask(question: PeerQuestion): Promise<unknown>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a second process that uses a hardware token. Resolves when the process has opened it. */
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
