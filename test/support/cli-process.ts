import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { guard } from './guardian.ts'

/** The command line tool in its own process. The process is killed at the latest when the test process ends. */
export interface CliProcess {
  /** Resolves with the next line of standard output. Rejects with all output if the tool ends without another line. */
  line(): Promise<string>
  /** Returns everything on standard output and standard error so far. */
  output(): { readonly stdout: string; readonly stderr: string }
  /** Resolves with the exit code when the tool has ended; null if a signal killed it. */
  readonly ended: Promise<number | null>
  /** Stops reading its standard output, as `head` does when it has read enough. The next write of the tool fails. */
  hangUp(): void
  /** Sends SIGINT, or another signal. Resolves with the exit code of the tool, as `ended` does. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'clients/cli/src/main.ts')

/** Starts the tool. Its environment is `env` and the PATH of this process. */
export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): CliProcess {
  const NODE_COMPILE_CACHE = join(ROOT, 'node_modules/.cache/auth4agent-tests')
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  guard(child, 'SIGKILL')
  const written = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (written.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (written.stderr += String(chunk)))
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async line() {
      const { value, done } = await lines.next()
      if (done === true)
        throw new Error(`The tool ended with ${String(await ended)}:\n${written.stdout}${written.stderr}`)
      return value
    },
    output: () => written,
    ended,
    hangUp: () => void child.stdout.destroy(),
    async stop(signal = 'SIGINT') {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs the tool to its end. */
export async function endCli(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const tool = startCli(args, env)
  return { code: await tool.ended, ...tool.output() }
}
