import { parseArgs } from 'node:util'
import { nearest } from '@auth4agent/core/names/nearest'
import { usageError } from './cli-error.ts'
import type { Command } from './command.ts'
import { type FlagTable, type FlagValues, globalFlags } from './flags.ts'
import { shown } from './hidden.ts'

/** What a command line says, before the command's own rules are asked. */
export interface CommandLine {
  readonly values: FlagValues
  readonly positionals: readonly string[]
}

/**
 * Reads flags and words. Flags may stand anywhere, up to `--`. Throws CliError for a flag that is not declared, one without its value,
 * one with a value it does not take, and one repeated that may not be. No message repeats the value of a flag.
 */
export function parseFlags(args: readonly string[], declared: FlagTable): CommandLine {
  const options = Object.fromEntries(
    Object.entries(declared).map(([name, { kind }]) => [
      name,
      { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  )
  const { tokens } = parseArgs({
    args: expandShort(args),
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const { name, value, inlineValue } = token
    const flag = Object.hasOwn(declared, name) ? declared[name] : undefined
    if (flag === undefined) throw unknownFlag(name, declared)
    const given = values.get(name) ?? []
    if (given.length > 0 && flag.kind === 'text') throw usageError(`--${name} may be given once`)
    values.set(name, [...given, valueOf(name, flag.kind, value, inlineValue === true)])
  }
  return { values, positionals }
}

/** Holds a command line to what its command demands. Throws CliError. */
export function checkCommandLine(
  { values, positionals }: CommandLine,
  { flags, arguments: words }: Pick<Command, 'flags' | 'arguments'>,
  path: string,
): void {
  const help = `\`auth4agent ${path} --help\` has examples.`
  const missing = Object.entries(flags).flatMap(([name, { required, value }]) =>
    required === true && !values.has(name) ? [`--${name} ${value ?? ''}`.trim()] : [],
  )
  if (missing.length > 0) throw usageError(`missing: ${missing.join(', ')}`, help)
  const [extra] = positionals.slice(words.length)
  if (extra !== undefined) throw usageError(`${shown(extra)} is too many: ${path} does not take it`, help)
  const needed = words.find(({ required }, index) => required === true && positionals[index] === undefined)
  if (needed !== undefined) throw usageError(`missing: ${needed.name}, ${needed.help}`, help)
}

/** The one short flag there is. */
function expandShort(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.map((arg, index) => (arg === '-h' && (end < 0 || index < end) ? '--help' : arg))
}

function valueOf(name: string, kind: string, value: string | undefined, isInline: boolean): string {
  if (kind === 'boolean') {
    if (value !== undefined) throw usageError(`--${name} takes no value`)
    return 'true'
  }
  if (value === undefined || value === '') throw usageError(`--${name} needs a value`)
  if (!isInline && value.startsWith('-') && value.length > 1) {
    throw usageError(`--${name} needs a value`, `For one that begins with a dash: --${name}=VALUE`)
  }
  return value
}

function unknownFlag(name: string, declared: FlagTable) {
  const meant = nearest(name, Object.keys({ ...declared, ...globalFlags }))
  const dash = name.length === 1 ? '-' : '--'
  return usageError(
    `${shown(`${dash}${name}`)} is no flag of this command`,
    meant === undefined ? '--help shows those there are.' : `Did you mean --${meant}?`,
  )
}
