import type { CommandEntry } from '../command.ts'
import { type FlagTable, globalFlags } from '../flags.ts'

/** A flag that a shell offers. */
interface OfferedFlag {
  /** The name with its dashes. */
  readonly name: string
  readonly help: string
  readonly takes: Takes
  /** All accepted values, if the tool knows them. */
  readonly choices: readonly string[]
}

/** What follows a flag or a command: nothing, a file or folder, a context, or a value that no shell can know. */
type Takes = 'nothing' | 'file' | 'context' | 'value'

/** A word that a shell offers next. */
interface OfferedWord {
  readonly word: string
  readonly help: string
}

/** What a shell offers after all words or the first words of a command. */
export interface Place {
  /** The typed words, without flags: `agents`, `agent list`; empty at the start. */
  readonly at: string
  readonly words: readonly OfferedWord[]
  /** What the argument of the command is. */
  readonly takes: Takes
  /** Flags of this command and of every command. */
  readonly flags: readonly OfferedFlag[]
}

/** Names in the help for values that are files or folders. */
const FILES = new Set(['FILE', 'FOLDER'])
const GLOBAL = offered(globalFlags)

/** Lists all places of a command line, first the place without words. Loads every command. */
export async function completionPlaces(commands: readonly CommandEntry[]): Promise<readonly Place[]> {
  const loaded = await Promise.all(commands.map(async (entry) => ({ ...entry, command: await entry.load() })))
  const starts = new Set(commands.flatMap(({ words }) => beginnings(words)))
  return [...starts].map((at) => {
    const own = loaded.find(({ words }) => words === at)?.command
    const { name = '', help = '', choices = [] } = own?.arguments[0] ?? {}
    return {
      at,
      words: [...nextWords(commands, at), ...choices.map((word) => ({ word, help }))],
      takes: name === '' ? 'nothing' : taken(name),
      flags: [...(own === undefined ? [] : offered(own.flags)), ...GLOBAL],
    }
  })
}

/** Returns all beginnings of a command's words: for `agent list` these are ``, `agents` and `agent list`. */
function beginnings(words: string): readonly string[] {
  const parts = words.split(' ')
  return Array.from({ length: parts.length + 1 }, (_, count) => parts.slice(0, count).join(' '))
}

function nextWords(commands: readonly CommandEntry[], at: string): readonly OfferedWord[] {
  const prefix = at === '' ? '' : `${at} `
  const next = new Map<string, string>()
  for (const { words, summary } of commands) {
    if (!words.startsWith(prefix) || words === at) continue
    const [word = '', more] = words.slice(prefix.length).split(' ')
    if (more === undefined) next.set(word, summary)
    else if (!next.has(word)) next.set(word, `${word} …`)
  }
  return [...next].map(([word, help]) => ({ word, help }))
}

function offered(flags: FlagTable): readonly OfferedFlag[] {
  return Object.entries(flags).map(([name, { kind, value = '', help, choices = [] }]) => ({
    name: `--${name}`,
    help,
    takes: kind === 'boolean' ? 'nothing' : taken(value),
    choices,
  }))
}

function taken(value: string): Takes {
  if (FILES.has(value)) return 'file'
  return value === 'CONTEXT' ? 'context' : 'value'
}
