import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { guard } from '../../support/guardian.ts'
import { type Machine, pinned } from '../machine.ts'

/** A server under test. */
export interface ContenderProcess {
  readonly pid: number
  /** Milliseconds from the start of the process to its first answer. */
  readonly startMs: number
  stop(): Promise<void>
}

/** Options of startContender. */
export interface ContenderProgram {
  readonly name: string
  readonly machine: Machine
  /** The core, in the form of `taskset`. */
  readonly core: string
  /** Arguments of Node. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** The file that receives all output of the program, as a log collector would. */
  readonly logFile: string
  /** A URL that answers 200 when the program serves. */
  readonly probe: string
}

const ROOT = `${import.meta.dirname}/../../..`
const POLL_MS = 2
const START_MS = 60_000
const STOP_MS = 20_000

/** Starts a Node program in a new process, with none of this process's settings. Resolves at its first answer. */
export async function startContender(program: ContenderProgram): Promise<ContenderProcess> {
  const log = await open(program.logFile, 'a')
  const { PATH, HOME } = process.env
  const [command, args] = pinned(program.machine, program.core, [process.execPath, ...program.args])
  const begin = performance.now()
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH, HOME, NODE_ENV: 'production', ...program.env },
    stdio: ['ignore', log.fd, log.fd],
  })
  // Ctrl-C ends this process without its exit event, so that only the guardian can end the contender.
  guard(child, 'SIGTERM')
  const ended = once(child, 'exit')
  await log.close()
  await answers(program, () => child.exitCode !== null || child.signalCode !== null)
  const startMs = performance.now() - begin
  return {
    pid: child.pid ?? 0,
    startMs,
    async stop() {
      child.kill('SIGTERM')
      const cut = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(cut)
    },
  }
}

async function answers({ name, probe, logFile }: ContenderProgram, hasEnded: () => boolean): Promise<void> {
  const deadline = performance.now() + START_MS
  for (;;) {
    const status = await fetch(probe).then(
      async (answer) => {
        await answer.arrayBuffer()
        return answer.status
      },
      () => undefined,
    )
    if (status === 200) return
    if (hasEnded() || performance.now() > deadline)
      throw new ContenderError(`${name} did not start:\n${(await readFile(logFile, 'utf8')).slice(-2000)}`)
    await delay(POLL_MS)
  }
}

/** The error when a contender does not start. Its message contains the output of the contender. */
export class ContenderError extends Error {}
