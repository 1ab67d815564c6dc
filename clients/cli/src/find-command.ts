import { nearest } from '@auth4agent/core/names/nearest'
import { usageError } from './cli-error.ts'
import type { CommandEntry } from './command.ts'
import { commands } from './commands.ts'
import { shown } from './hidden.ts'

/** The command that the first words of a command line name, or the group of commands with these first words. */
export type Found =
  | { readonly kind: 'command'; readonly entry: CommandEntry; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly prefix: string; readonly entries: readonly CommandEntry[] }

/**
 * Finds the longest command with which the words begin, or a group if the words are the first words of commands only.
 * Throws CliError if there is neither, and hints at the nearest.
 */
export function findCommand(words: readonly string[]): Found {
  for (let count = words.length; count > 0; count -= 1) {
    const path = words.slice(0, count).join(' ')
    const entry = commands.find(({ words }) => words === path)
    if (entry !== undefined) return { kind: 'command', entry, rest: words.slice(count) }
    const entries = commands.filter(({ words }) => words.startsWith(`${path} `))
    if (entries.length === 0) continue
    const next = words[count]
    if (next === undefined) return { kind: 'group', prefix: path, entries }
    throw unknown(
      next,
      entries.map((one) => one.words.slice(path.length + 1).split(' ')[0] ?? ''),
      `${path} `,
    )
  }
  const [first = ''] = words
  throw unknown(first, [...commands.map(({ words }) => words.split(' ')[0] ?? ''), 'help'], '')
}

function unknown(word: string, known: readonly string[], prefix: string) {
  const meant = nearest(word, known)
  const hint =
    meant === undefined
      ? `\`auth4agent ${prefix}--help\` shows all commands.`
      : `Did you mean \`auth4agent ${prefix}${meant}\`?`
  return usageError(`Unknown command ${shown(word)}${prefix === '' ? '' : ` of ${prefix.trim()}`}`, hint)
}
