import type { Base, Context, Ending } from './context.ts'
import { type FlagTable, type FlagValues, readFlags } from './flags.ts'

/** A line that can be pasted, and what it does. */
export interface Example {
  readonly does: string
  /** From `auth4agent` on, as a shell takes it. */
  readonly line: string
}

/** A word that a command takes besides flags. */
interface Argument {
  readonly name: string
  readonly help: string
  readonly required?: boolean
  /** The words there are. */
  readonly choices?: readonly string[]
}

/** What a command has to do with the folder: reads it, makes it, or leaves it alone. */
type FolderUse = 'needed' | 'made' | 'unused'

/** What a command is, for {@link defineCommand}. */
interface Spec<F extends FlagTable> {
  /** What it does and what to know of it: paragraphs. */
  readonly help: readonly string[]
  readonly examples: readonly [Example, ...Example[]]
  readonly flags: F
  readonly arguments?: readonly Argument[]
  /** Whether it runs the program whose words stand after `--`. */
  readonly runsProgram?: boolean
  /** `needed` unless told. */
  readonly folder?: FolderUse
  /** Does it; answers how the tool ends, `ok` unless told. Throws CliError or the SDK's Auth4AgentError. */
  run(context: Context<F>): Promise<Ending | void>
}

/** A command as the tool runs and explains it. */
export interface Command {
  readonly help: readonly string[]
  readonly examples: readonly Example[]
  readonly flags: FlagTable
  readonly arguments: readonly Argument[]
  readonly runsProgram: boolean
  readonly folder: FolderUse
  run(base: Base, values: FlagValues): Promise<Ending | void>
}

/** A line of the table: a command's words, what it does in few words, and its module, loaded when it is called. */
export interface CommandEntry {
  readonly words: string
  readonly summary: string
  load(): Promise<Command>
}

/** Makes a command whose `run` reads its flags by their declared names and kinds. */
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
