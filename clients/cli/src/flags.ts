/** Declaration of a flag. `value` is the name of its value in the help. A flag of kind `list` may be repeated. */
export interface Flag {
  readonly kind: 'boolean' | 'text' | 'list'
  /** What the flag means, the same for every command. */
  readonly help: string
  /** What one command adds to the meaning. */
  readonly more?: string
  readonly value?: string
  readonly required?: boolean
  /** Older names. They still work, but the help does not show them. */
  readonly aliases?: readonly string[]
  /** All accepted values. A list may contain several of them, separated by commas. */
  readonly choices?: readonly string[]
}

/** The flags of a command, by their names without the dashes. */
export type FlagTable = Readonly<Record<string, Flag>>

/** The flags of a command line with their values, in order. The value of a boolean is `true`. */
export type FlagValues = ReadonlyMap<string, readonly string[]>

/** Names of all flags of one kind. */
type Named<F extends FlagTable, K extends Flag['kind']> = {
  [N in keyof F & string]: F[N]['kind'] extends K ? N : never
}[keyof F & string]

/** Names of all required flags. */
type Required<F extends FlagTable> = { [N in keyof F & string]: F[N] extends { required: true } ? N : never }[keyof F &
  string]

/**
 * Reads flags by their declared names. TypeScript accepts a reader of many flags where a function needs a reader of a
 * few of them, so commands can share functions.
 */
interface Reader<Booleans extends string, Texts extends string, Needed extends string, Lists extends string> {
  on(name: Booleans): boolean
  text(name: Texts): string | undefined
  required(name: Needed): string
  list(name: Lists): readonly string[]
}

/** Reads the given flags of a command. */
export type FlagReader<F extends FlagTable> = Reader<
  Named<F, 'boolean'>,
  Named<F, 'text'>,
  Required<F>,
  Named<F, 'list'>
>

/** Makes a reader for the values of a parsed command line. */
export function readFlags<F extends FlagTable>(values: FlagValues): FlagReader<F> {
  const first = (name: string) => values.get(name)?.[0]
  return {
    on: (name) => values.has(name),
    text: first,
    required: (name) => first(name) ?? '',
    list: (name) => values.get(name) ?? [],
  }
}

/** Flags of every command. */
export const globalFlags = {
  json: { kind: 'boolean', help: 'print one JSON document on standard output, also for errors' },
  config: {
    kind: 'text',
    value: 'FOLDER',
    help: 'folder of agent.json, operator.json and keys; by default $AUTH4AGENT_HOME or ~/.auth4agents',
  },
  context: {
    kind: 'text',
    value: 'CONTEXT',
    help: 'name of a context; by default $AUTH4AGENT_CONTEXT or the context of `context use`',
  },
  as: {
    kind: 'text',
    value: 'LABEL',
    help: "label of the operator's key in the folder that signs, or `root`; by default $AUTH4AGENT_AS or the root key",
  },
  quiet: { kind: 'boolean', help: 'print only the result, without progress and remarks' },
  'no-color': { kind: 'boolean', help: 'print no colours; the variable NO_COLOR does the same' },
  help: { kind: 'boolean', help: 'print this text' },
} as const satisfies FlagTable
