import type { Base, Context, Ending } from './context.ts'
import { type FlagTable, type FlagValues, readFlags } from './flags.ts'

/** A command line to paste, with a description. */
export interface Example {
  readonly does: string
  /** The line for a shell, beginning with `auth4agent`. */
  readonly line: string
}

/** An argument of a command, which is not a flag. */
interface Argument {
  readonly name: string
  readonly help: string
  readonly required?: boolean
  /** All accepted words. */
  readonly choices?: readonly string[]
}

/** How a command uses the configuration folder: it needs the folder, creates it, or does not use it. */
type FolderUse = 'needed' | 'made' | 'unused'

/** Definition of a command, for {@link defineCommand}. */
interface Spec<F extends FlagTable> {
  /** Paragraphs that say what the command does and what users must know. */
  readonly help: readonly string[]
  readonly examples: readonly [Example, ...Example[]]
  readonly flags: F
  readonly arguments?: readonly Argument[]
  /** Whether the command runs the program that is given after `--`. */
  readonly runsProgram?: boolean
  /** The default is `needed`. */
  readonly folder?: FolderUse
  /**
   * Runs the command. Resolves with the way to end, `ok` by default. Rejects with CliError or Auth4AgentError (SDK).
   */
  run(context: Context<F>): Promise<Ending | void>
}

/** A command, with the data that the tool needs to run it and to print its help. */
export interface Command {
  readonly help: readonly string[]
  readonly examples: readonly Example[]
  readonly flags: FlagTable
  readonly arguments: readonly Argument[]
  readonly runsProgram: boolean
  readonly folder: FolderUse
  run(base: Base, values: FlagValues): Promise<Ending | void>
}

/** An entry of the command table: the command's words, a short summary, and its module, which is loaded on demand. */
export interface CommandEntry {
  /** The noun and the verb, or one word for a command without a noun. */
  readonly words: string
  /** Words of earlier versions. They do the same, but neither the help nor a completion shows them. */
  readonly former?: readonly string[]
  readonly summary: string
  load(): Promise<Command>
}

/** A noun, with the commands that begin with it. */
export interface Noun {
  readonly noun: string
  readonly summary: string
  readonly commands: readonly CommandEntry[]
}

/** Makes a command. Its `run` gets a reader for exactly the declared flags. */
export function defineCommand<const F extends FlagTable>(spec: Spec<F>): Command {
  return {
    help: spec.help,
    examples: spec.examples,
    flags: spec.flags,
    arguments: spec.arguments ?? [],
    runsProgram: spec.runsProgram ?? false,
    folder: spec.folder ?? 'needed',
    run: (base, values) => spec.run({ ...base, flags: readFlags<F>(values) }),
  }
}
