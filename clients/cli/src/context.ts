import type { FlagReader, FlagTable } from './flags.ts'
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
}

/** What a command runs with, flags aside. */
export interface Base extends Io {
  /** Words after the command's own. */
  readonly arguments: readonly string[]
  /** The configuration folder, absolute; it may not exist. */
  readonly folder: string
  /** Whether output is for programs. */
  readonly json: boolean
  readonly quiet: boolean
  /** As `fetch`, which ends when the tool is told to; this one does not: to put away what was made. */
  readonly fetchAnyway: typeof globalThis.fetch
  /** Colours for standard output; none unless it is a terminal. */
  readonly style: Style
  /** The command's one answer: `value` as one line of JSON with --json, else `text`. Never a private key. */
  readonly answer: (value: unknown, text: string) => void
  /** A remark on standard error for people; nothing with --json or --quiet. */
  readonly note: (text: string) => void
  /** Shows what is being waited for on standard error once it takes more than a second; only on a terminal. */
  readonly progress: <T>(what: string, work: Promise<T>) => Promise<T>
}

/** What a command runs with. */
export type Context<F extends FlagTable> = Base & { readonly flags: FlagReader<F> }
