import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { guard } from './guardian.ts'

/** A program that a test has started and can stop and freeze. It stops at the latest when the test process ends. */
export interface ProgramProcess {
  readonly pid: number
  /** Sends the signal. Resolves when the program has ended, or at once if it had ended before. */
  end(signal: NodeJS.Signals): Promise<void>
  /** Freezes the program and its children: connections stay open, but nothing answers. */
  freeze(): Promise<void>
  /** Lets frozen processes continue. */
  thaw(): void
}

/**
 * The program to start. `isReady` matches the line on standard error with which the program reports that it serves.
 */
export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  /** Additions to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly isReady: RegExp
}

const run = promisify(execFile)

/** Starts a program. Resolves when it is ready. If it ends before that, rejects with everything that it wrote. */
export async function startProgram({ name, command, args, account, env, isReady }: Program): Promise<ProgramProcess> {
  const options: SpawnOptions = {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    ...account,
    env: { ...process.env, ...env },
  }
  const child = spawn(command, args, options)
  // On SIGQUIT PostgreSQL also ends its children. On SIGKILL it could not do that.
  guard(child, 'SIGQUIT')
  const lines: string[] = []
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  if (child.stderr === null) throw new Error('The standard error of the child must be a pipe')
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
  let thaw: (() => void) | undefined
  return {
    pid,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill(signal)
      thaw?.()
      await exited
    },
    async freeze() {
      thaw = await freeze(pid)
    },
    thaw: () => thaw?.(),
  }
}

/** Freezes a process and its children. Returns the function that lets them continue. */
export async function freeze(pid: number): Promise<() => void> {
  // Stops the parent first, so that it cannot start another child after this has listed its children.
  send(pid, 'SIGSTOP')
  const frozen = [pid, ...(await childrenOf(pid))]
  for (const one of frozen) send(one, 'SIGSTOP')
  return () => {
    for (const one of frozen.splice(0)) send(one, 'SIGCONT')
  }
}

/** Sends a signal to a process that may have ended. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // The process has ended, or was killed while it was stopped.
  }
}

/** Lists the children of a process. pgrep exits with 1 when there are none. */
async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.split('\n').filter(Boolean).map(Number)
}
