import { type Flag, globalFlags } from './flags.ts'

/** A command line in two parts: the words before the first flag of a specific command, and everything else. */
export interface SplitArguments {
  readonly words: readonly string[]
  readonly flags: readonly string[]
}

const known: ReadonlyMap<string, Flag> = new Map(
  Object.entries({ ...globalFlags, version: { kind: 'boolean' as const, help: '' } }).map(([name, flag]) => [
    `--${name}`,
    flag,
  ]),
)

/**
 * Separates the words that may name a command from the rest of a command line. Flags of every command may come before
 * and between the words.
 */
export function splitArguments(args: readonly string[]): SplitArguments {
  const words: string[] = []
  const flags: string[] = []
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? ''
    const flag = known.get(arg.split('=', 1)[0] ?? '')
    if (arg.startsWith('-') && flag === undefined && arg !== '-h')
      return { words, flags: [...flags, ...args.slice(index)] }
    if (arg.startsWith('-')) flags.push(arg)
    else words.push(arg)
    if (flag?.kind === 'text' && !arg.includes('=')) {
      index += 1
      flags.push(...args.slice(index, index + 1))
    }
  }
  return { words, flags }
}
