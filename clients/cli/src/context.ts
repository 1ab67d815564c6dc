import type { Exit } from './exit-codes.ts'
import type { FlagReader, FlagTable } from './flags.ts'
import type { Style } from './style.ts'

/** An output stream of text. */
export interface Writer {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
}

/** The tool's access to the system. Tests replace it. */
export interface Io {
  readonly stdout: Writer
  readonly stderr: Writer
  /** Reads all of standard input as text. Rejects with CliError beyond 1 MiB. */
  readonly readStdin: () => Promise<string>
  /** Asks the person at the terminal and resolves with the answer. Undefined if nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
  readonly fetch: typeof globalThis.fetch
  /** Unix milliseconds. */
  readonly now: () => number
  /**
   * Aborts at Ctrl-C, at SIGTERM, and when the output cannot be written, for example because its reader has closed the
   * pipe. Its reason is `interrupted`, `terminated` or `unread`.
   */
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds. Rejects when `signal` aborts. */
  readonly pause: (ms: number) => Promise<void>
  /**
   * Runs a program until it ends, and resolves with its exit code. Rejects with the system's error if it cannot start.
   */
  readonly runProgram: (
    program: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
  ) => Promise<number>
}

/** How a run of the tool ends: with the exit code of this name, or with the exit code of the program that it ran. */
export type Ending = Exit | number

/** The folder of the tool's files, and what has chosen it. */
export interface Place {
  /** The folder that contains the contexts; absolute. */
  readonly root: string
  /** The folder of this run; absolute. The folder may not exist. */
  readonly folder: string
  /** The context of `folder`; undefined if --config names the folder. */
  readonly context: string | undefined
  readonly chosenBy: '--config' | '--context' | 'environment' | 'context use' | 'default'
}

/** The label of the operator's key that signs, and what has chosen it. */
export interface As {
  readonly label: string
  readonly chosenBy: '--as' | 'environment'
}

/** Everything that a command gets, except its flags. */
export interface Base extends Io {
  /** Arguments: the words after the command's words. */
  readonly arguments: readonly string[]
  /** Words after `--`, for commands that run a program. */
  readonly program: readonly string[]
  /** The configuration folder; absolute. The folder may not exist. */
  readonly folder: string
  /** The place of that folder. */
  readonly place: Place
  /** The choice of --as or AUTH4AGENT_AS; undefined without one. */
  readonly as: As | undefined
  /** Whether --json is given: the output is for programs. */
  readonly json: boolean
  /** Whether --quiet is given: the output is only the result. */
  readonly quiet: boolean
  /** Like `fetch`, but `signal` does not abort it. For cleaning up after Ctrl-C. */
  readonly fetchAnyway: typeof globalThis.fetch
  /** Colours for standard output. If standard output is not a terminal, the style adds no colours. */
  readonly style: Style
  /**
   * Prints the command's answer: with --json `value` as one line of JSON, with --quiet the entries of `result` one a
   * line, otherwise `text`. Never pass a private key.
   */
  readonly answer: (value: unknown, text: string, result: string | readonly string[]) => void
  /** Prints a remark for people on standard error. With --json or --quiet it prints nothing. */
  readonly note: (text: string) => void
  /** Awaits `work`. On a terminal it shows `what` on standard error if `work` takes more than a second. */
  readonly progress: <T>(what: string, work: Promise<T>) => Promise<T>
}

/** Everything that a command gets. */
export type Context<F extends FlagTable> = Base & { readonly flags: FlagReader<F> }
