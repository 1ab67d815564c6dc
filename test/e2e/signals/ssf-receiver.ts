import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { guard } from '../../support/guardian.ts'
import type { Environment } from '../../support/server.ts'

const PROGRAM = join(import.meta.dirname, '../../../docs/examples/ssf-receiver/receiver.mjs')

/** The receiver of docs/examples/ssf-receiver, as a process that a test can kill and start again. */
export interface ReceiverProcess {
  readonly port: number
  /** The events that it has stored for good. */
  events(): readonly { readonly jti: string; readonly type: string; readonly sub_id: unknown }[]
  /** What it has printed. */
  output(): string
  kill(): Promise<void>
  start(): Promise<void>
}

/** How the receiver is started. */
interface ReceiverOptions {
  readonly issuer: string
  readonly audience: string
  /** Where it stores its events. */
  readonly file: string
  readonly port: number
  readonly authorization: string
  /** The settings with which it reaches the issuer. */
  readonly env?: Environment
}

/** Creates the process. It does not run before `start`. */
export function createReceiver(options: ReceiverOptions): ReceiverProcess {
  const { issuer, audience, file, port, authorization, env = {} } = options
  const lines: string[] = []
  let child: ChildProcess | undefined
  return {
    port,
    output: () => lines.join('\n'),
    events: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    async kill() {
      const dying = child
      if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return
      dying.kill('SIGKILL')
      await once(dying, 'exit')
    },
    async start() {
      const args = [PROGRAM, issuer, audience, file, String(port)]
      const settings = { ...process.env, ...env, AUTHORIZATION: authorization }
      const started = spawn(process.execPath, args, { env: settings, stdio: ['ignore', 'pipe', 'inherit'] })
      guard(started, 'SIGKILL')
      child = started
      const output = createInterface({ input: started.stdout })
      const ready = Promise.withResolvers<void>()
      output.on('line', (line) => {
        lines.push(line)
        if (line.startsWith('receives events')) ready.resolve()
      })
      started.once('exit', () => ready.reject(new Error(`The receiver ended:\n${lines.join('\n')}`)))
      await ready.promise
    },
  }
}
