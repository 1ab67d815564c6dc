import type { Exit } from './exit-codes.ts'
import type { FlagReader, FlagTable } from './flags.ts'
import type { Place } from './place.ts'
import type { Style } from './style.ts'

/** A stream of text to somebody. */
export interface Writer {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
}

/** What the tool has of the system: everything that a test replaces. */
export interface Io {
  readonly stdout: Writer
  readonly stderr: Writer
  /** All of standard input as text. Rejects with CliError beyond 1 MiB. */
  readonly readStdin: () => Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's own folder. */
  readonly home: string
  readonly fetch: typeof globalThis.fetch
  /** Unix milliseconds. */
  readonly now: () => number
  /**
   * Aborted by Ctrl-C and SIGTERM, and when nobody reads any more what is written: its reason is `interrupted`, `terminated` or
   * `unread`.
   */
  readonly signal: AbortSignal
  /** Resolves after so many milliseconds. Rejects when the tool is told to end. */
  readonly pause: (ms: number) => Promise<void>
  /**
   * Runs a program until it ends; answers its exit code. Rejects with the system's error where it cannot be started.
   */
  readonly runProgram: (
    program: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
  ) => Promise<number>
}

/** How a run of the tool ends: by a name, or with the exit code of the program that it has run. */
export type Ending = Exit | number

/** What a command runs with, flags aside. */
export interface Base extends Io {
  /** Words after the command's own. */
  readonly arguments: readonly string[]
  /** Words after `--`, for commands that run a program. */
  readonly program: readonly string[]
  /** The configuration folder, absolute; it may not exist. */
  readonly folder: string
  /** Where that is, and why. */
  readonly place: Place
  /** Whether output is for programs. */
  readonly json: boolean
  readonly quiet: boolean
  /** As `fetch`, which ends when the tool is told to; this one does not: to put away what was made. */
  readonly fetchAnyway: typeof globalThis.fetch
  /** Colours for standard output; none unless it is a terminal. */
  readonly style: Style
  /**
   * The command's one answer: `value` as one line of JSON with --json, `result` with --quiet, each of several on a
   * line of its own, else `text`. Never a private key.
   */
  readonly answer: (value: unknown, text: string, result: string | readonly string[]) => void
  /** A remark on standard error for people; nothing with --json or --quiet. */
  readonly note: (text: string) => void
  /** Shows what is being waited for on standard error once it takes more than a second; only on a terminal. */
  readonly progress: <T>(what: string, work: Promise<T>) => Promise<T>
}

/** What a command runs with. */
export type Context<F extends FlagTable> = Base & { readonly flags: FlagReader<F> }
