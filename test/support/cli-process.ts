import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { guard } from './guardian.ts'

/** The command line tool as a process of its own. Whatever still runs when the test process ends is killed then. */
export interface CliProcess {
  /** The next line of standard output; rejects with all it wrote when it ends without one. */
  line(): Promise<string>
  /** All of standard output and standard error so far. */
  output(): { readonly stdout: string; readonly stderr: string }
  /** How it ended, once it has: the exit code, null when a signal killed it. */
  readonly ended: Promise<number | null>
  /** Reads no more of its standard output, as `head` when it has enough: the next that it writes is refused. */
  hangUp(): void
  /** Sends Ctrl-C's signal, unless told, and answers how it ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'clients/cli/src/main.ts')

/** Starts the tool with nothing of this process's settings but PATH, and `env`. */
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
        throw new Error(`the tool ended with ${String(await ended)}:\n${written.stdout}${written.stderr}`)
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
