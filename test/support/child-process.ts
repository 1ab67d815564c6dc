import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { guard } from './guardian.ts'

/** A program that a test started, may stop and lets go on. Whatever still runs when the test process ends is ended then. */
export interface ProgramProcess {
  readonly pid: number
  /** Sends the signal and waits until it has ended; at once when it has. */
  end(signal: NodeJS.Signals): Promise<void>
  /** Stops it and its children where they are: connections stay open, and nothing answers. */
  freeze(): Promise<void>
  /** Lets frozen processes go on. */
  thaw(): void
}

/** What to start. `isReady` looks for the line on its standard error that says it serves. */
export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  readonly isReady: RegExp
}

const run = promisify(execFile)

/** Starts a program; resolves once it is ready. Rejects with all it wrote when it ends before. */
export async function startProgram({ name, command, args, account, isReady }: Program): Promise<ProgramProcess> {
  const options: SpawnOptions = { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], ...account }
  const child = spawn(command, args, options)
  // PostgreSQL takes its children along; to SIGKILL it could not answer so.
  guard(child, 'SIGQUIT')
  const lines: string[] = []
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  if (child.stderr === null) throw new Error('its standard error is a pipe')
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    if (isReady.test(line)) resolve()
  })
  child.once('error', reject)
  child.once('close', () => reject(new Error(`${name} ended:\n${lines.join('\n')}`)))
  await ready
  return control(child)
}

function control(child: ChildProcess): ProgramProcess {
  const pid = child.pid ?? 0
  let frozen: readonly number[] = []
  const thaw = () => {
    for (const one of frozen) resume(one)
    frozen = []
  }
  return {
    pid,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill(signal)
      thaw()
      await exited
    },
    async freeze() {
      // It goes first, lest it have another child after they were listed.
      process.kill(pid, 'SIGSTOP')
      frozen = [pid]
      for (const child of await childrenOf(pid)) {
        process.kill(child, 'SIGSTOP')
        frozen = [...frozen, child]
      }
    },
    thaw,
  }
}

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It was killed while it was stopped.
  }
}

/** pgrep exits with 1 when there are none. */
async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.split('\n').filter(Boolean).map(Number)
}
