import type { Io } from '../../clients/cli/src/context.ts'
import { run } from '../../clients/cli/src/run.ts'

/** The exit code of a run of the tool, and what it wrote. */
export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The parts of the tool's system that a test can replace. */
export interface CliOptions
  extends Partial<
    Pick<Io, 'ask' | 'env' | 'fetch' | 'home' | 'now' | 'pause' | 'readStdin' | 'runProgram' | 'signal'>
  > {
  /** Whether both outputs are terminals, or the name of the output that is one. */
  readonly isTerminal?: boolean | 'stdout' | 'stderr'
}

/** Runs the tool in this process. By default its system has no home, no network and no input. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { isTerminal = false, ...changes } = options
  const written = { stdout: '', stderr: '' }
  const writer = (name: keyof typeof written) => ({
    isTerminal: isTerminal === true || isTerminal === name,
    write: (text: string) => {
      written[name] += text
    },
  })
  const code = await run(args, {
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    readStdin: () => Promise.resolve(''),
    ask: undefined,
    env: {},
    home: '/nonexistent',
    fetch: () => Promise.reject(new Error('no network')),
    now: Date.now,
    signal: new AbortController().signal,
    pause: () => Promise.resolve(),
    runProgram: () => Promise.reject(new Error('no program')),
    ...changes,
  })
  return { code, ...written }
}
