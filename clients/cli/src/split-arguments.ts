import { type Flag, globalFlags } from './flags.ts'

/** A command line in two: words up to the first flag that only a command can know, and everything else. */
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

/** Takes the words that may name a command out of a command line; flags of every command may stand before and between them. */
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
