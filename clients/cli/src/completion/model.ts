import type { CommandEntry } from '../command.ts'
import { type FlagTable, globalFlags } from '../flags.ts'

/** A flag as a shell offers it. */
interface OfferedFlag {
  /** With its dashes. */
  readonly name: string
  readonly help: string
  readonly takes: Takes
  /** The values there are, where they are known. */
  readonly choices: readonly string[]
}

/** What follows a flag or a command: nothing, a file or folder, a context, or something that no shell can know. */
type Takes = 'nothing' | 'file' | 'context' | 'value'

/** A word that may come next. */
interface OfferedWord {
  readonly word: string
  readonly help: string
}

/** What may come after the words of a command, or of the beginning of one. */
export interface Place {
  /** Words typed so far, without flags: `agents`, `agents list`; empty at the start. */
  readonly at: string
  readonly words: readonly OfferedWord[]
  /** What the command takes as its word. */
  readonly takes: Takes
  /** Of the command and of every command. */
  readonly flags: readonly OfferedFlag[]
}

/** What a file's or folder's name is called in the help. */
const FILES = new Set(['FILE', 'FOLDER'])
const GLOBAL = offered(globalFlags)

/** All places of a command line, the start first. Loads every command. */
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

/** `agents list` begins as nothing, as `agents` and as itself. */
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
