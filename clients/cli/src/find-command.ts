import { nearest } from '@auth4agent/core/names/nearest'
import { usageError } from './cli-error.ts'
import type { CommandEntry } from './command.ts'
import { commands, nouns } from './commands.ts'
import { shown } from './hidden.ts'

/** The command that the first words of a command line name, or the commands that begin with these words. */
export type Found =
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly prefix: string; readonly entries: readonly CommandEntry[] }

/**
 * Finds the longest command with which the words begin, by its words of today or of an earlier version; or a group if
 * the words are the first words of commands only. Throws CliError if there is neither, and hints at the nearest.
 */
export function findCommand(words: readonly string[]): Found {
  for (let count = words.length; count > 0; count -= 1) {
    const path = words.slice(0, count).join(' ')
    const entry = commands.find((one) => namesOf(one).includes(path))
    // A noun that was a command itself had no arguments, so the next word is a verb.
    const isVerb = isNoun(path) && words.length > count
    if (entry !== undefined && !isVerb) return { kind: 'command', entry, rest: words.slice(count) }
    const group = findGroup(path)
    if (group === undefined) continue
    const next = words[count]
    if (next === undefined) return group
    throw unknownVerb(next, path, group.entries)
  }
  throw unknownNoun(words[0] ?? '')
}

/**
 * Finds what the help of these words is about. The noun `audit` alone is a group, although it also is a former
 * command.
 */
export function findHelp(words: readonly string[]): Found {
  const path = words.join(' ')
  return (isNoun(path) ? findGroup(path) : undefined) ?? findCommand(words)
}

function isNoun(word: string): boolean {
  return nouns.some(({ noun }) => noun === word)
}

function findGroup(path: string): Extract<Found, { kind: 'group' }> | undefined {
  const entries = commands.filter((one) => namesOf(one).some((name) => name.startsWith(`${path} `)))
  const own = entries.filter(({ words }) => words.startsWith(`${path} `))
  if (entries.length === 0) return undefined
  return { kind: 'group', prefix: path, entries: own.length > 0 ? own : entries }
}

/** Returns all words that name a command, first those of today. */
function namesOf({ words, former = [] }: CommandEntry): readonly string[] {
  return [words, ...former]
}

function unknownVerb(word: string, noun: string, entries: readonly CommandEntry[]) {
  const known = new Map(entries.map(({ words }) => [words.split(' ')[1] ?? '', words]))
  const meant = known.get(nearest(word, [...known.keys()]) ?? '')
  return unknown(`${shown(word)} of ${noun}`, meant, `${noun} --help`)
}

function unknownNoun(word: string) {
  const first = [...commands.map(({ words }) => words.split(' ')[0] ?? ''), 'help']
  const sameVerb = commands.filter(({ words }) => words.split(' ')[1] === word)
  const meant = sameVerb.length === 1 ? sameVerb[0]?.words : nearest(word, first)
  return unknown(shown(word), meant, '--help')
}

function unknown(what: string, meant: string | undefined, help: string) {
  const hint =
    meant === undefined ? `\`auth4agent ${help}\` shows all commands.` : `Did you mean \`auth4agent ${meant}\`?`
  return usageError(`Unknown command ${what}`, hint)
}
