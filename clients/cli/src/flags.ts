/** A flag as a command declares it. `value` names what it takes in help; `list` flags may be repeated. */
export interface Flag {
  readonly kind: 'boolean' | 'text' | 'list'
  readonly help: string
  readonly value?: string
  readonly required?: boolean
  /** Older names, which still work; no help shows them. */
  readonly aliases?: readonly string[]
  /** The values there are; each of several that commas separate, where it is a list. */
  readonly choices?: readonly string[]
}

/** The flags of a command by their names, without the dashes. */
export type FlagTable = Readonly<Record<string, Flag>>

/** What a command line said: each flag with its values, in order; a boolean has the value `true`. */
export type FlagValues = ReadonlyMap<string, readonly string[]>

/** Names of the flags of one kind. */
type Named<F extends FlagTable, K extends Flag['kind']> = {
  [N in keyof F & string]: F[N]['kind'] extends K ? N : never
}[keyof F & string]

/** Names of the flags that are never missing. */
type Required<F extends FlagTable> = { [N in keyof F & string]: F[N] extends { required: true } ? N : never }[keyof F &
  string]

/**
 * Reads what flags were given, by the names that there are of each kind. A reader of more flags is also one of fewer, so what
 * commands share takes the reader of any of them.
 */
interface Reader<Booleans extends string, Texts extends string, Needed extends string, Lists extends string> {
  on(name: Booleans): boolean
  text(name: Texts): string | undefined
  required(name: Needed): string
  list(name: Lists): readonly string[]
}

/** Reads what a command's own flags were given. */
export type FlagReader<F extends FlagTable> = Reader<
  Named<F, 'boolean'>,
  Named<F, 'text'>,
  Required<F>,
  Named<F, 'list'>
>

/** A reader over the values of a parsed command line. */
export function readFlags<F extends FlagTable>(values: FlagValues): FlagReader<F> {
  const first = (name: string) => values.get(name)?.[0]
  return {
    on: (name) => values.has(name),
    text: first,
    required: (name) => first(name) ?? '',
    list: (name) => values.get(name) ?? [],
  }
}

/** Flags that every command has. */
export const globalFlags = {
  json: { kind: 'boolean', help: 'one JSON document on standard output, errors too' },
  config: {
    kind: 'text',
    value: 'FOLDER',
    help: 'folder of agent.json, operator.json and keys; else $AUTH4AGENT_HOME, else ~/.auth4agents',
  },
  context: {
    kind: 'text',
    value: 'CONTEXT',
    help: 'one of several folders by its name; else $AUTH4AGENT_CONTEXT, else that of `context use`',
  },
  quiet: { kind: 'boolean', help: 'the result alone: no progress and no remarks' },
  'no-color': { kind: 'boolean', help: 'no colours, as with NO_COLOR set' },
  help: { kind: 'boolean', help: 'this text' },
} as const satisfies FlagTable
