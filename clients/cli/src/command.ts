import type { Base, Context } from './context.ts'
import type { Exit } from './exit-codes.ts'
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
}

/** What a command is, for {@link defineCommand}. */
interface Spec<F extends FlagTable> {
  /** What it does and what to know of it: paragraphs. */
  readonly help: readonly string[]
  readonly examples: readonly [Example, ...Example[]]
  readonly flags: F
  readonly arguments?: readonly Argument[]
  /** Does it; answers how the tool ends, `ok` unless told. Throws CliError or the SDK's Auth4AgentError. */
  run(context: Context<F>): Promise<Exit | void>
}

/** A command as the tool runs and explains it. */
export interface Command {
  readonly help: readonly string[]
  readonly examples: readonly Example[]
  readonly flags: FlagTable
  readonly arguments: readonly Argument[]
  run(base: Base, values: FlagValues): Promise<Exit | void>
}

/** Makes a command whose `run` reads its flags by their declared names and kinds. */
export function defineCommand<const F extends FlagTable>(spec: Spec<F>): Command {
  return {
    help: spec.help,
    examples: spec.examples,
    flags: spec.flags,
    arguments: spec.arguments ?? [],
    run: (base, values) => spec.run({ ...base, flags: readFlags<F>(values) }),
  }
}
