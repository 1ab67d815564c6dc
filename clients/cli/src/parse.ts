import { parseArgs } from 'node:util'
import { nearest } from '@auth4agent/core/names/nearest'
import { usageError } from './cli-error.ts'
import type { Command } from './command.ts'
import { type Flag, type FlagTable, type FlagValues, globalFlags } from './flags.ts'
import { shown } from './hidden.ts'

/** A parsed command line, before the checks of the command. */
export interface CommandLine {
  readonly values: FlagValues
  readonly positionals: readonly string[]
  /** Words after `--`. */
  readonly program: readonly string[]
}

/**
 * Reads flags and words. Flags may be anywhere before `--`. Throws CliError for an unknown flag, a missing or wrong
 * value, and a repeated flag that is not a list. No message contains the value of a flag.
 */
export function parseFlags(args: readonly string[], declared: FlagTable): CommandLine {
  const named = byEveryName(declared)
  const options = Object.fromEntries(
    [...named].map(([name, { flag }]) => [
      name,
      { type: flag.kind === 'boolean' ? ('boolean' as const) : ('string' as const), multiple: true },
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
  const [positionals, program]: [string[], string[]] = [[], []]
  let isProgram = false
  for (const token of tokens) {
    if (token.kind === 'option-terminator') isProgram = true
    if (token.kind === 'positional') (isProgram ? program : positionals).push(token.value)
    if (token.kind !== 'option') continue
    const { name, value, inlineValue } = token
    const found = named.get(name)
    if (found === undefined) throw unknownFlag(name, declared)
    const given = values.get(found.name) ?? []
    if (given.length > 0 && found.flag.kind === 'text') throw usageError(`--${found.name} may be given only once`)
    values.set(found.name, [...given, valueOf(name, found.flag, value, inlineValue === true)])
  }
  return { values, positionals, program }
}

/** Returns the flags by all their names, including older names, each with its current name. */
function byEveryName(declared: FlagTable): ReadonlyMap<string, { readonly name: string; readonly flag: Flag }> {
  const all = Object.entries(declared).flatMap(([name, flag]) =>
    [name, ...(flag.aliases ?? [])].map((each) => [each, { name, flag }] as const),
  )
  return new Map(all)
}

/** Checks a command line against the declaration of its command. Throws CliError. */
export function checkCommandLine(
  { values, positionals, program }: CommandLine,
  { flags, arguments: words, runsProgram }: Pick<Command, 'flags' | 'arguments' | 'runsProgram'>,
  path: string,
): void {
  const help = `\`auth4agent ${path} --help\` has examples.`
  const missing = Object.entries(flags).flatMap(([name, { required, value }]) =>
    required === true && !values.has(name) ? [`--${name} ${value ?? ''}`.trim()] : [],
  )
  if (missing.length > 0) throw usageError(`Missing: ${missing.join(', ')}`, help)
  const [extra] = positionals.slice(words.length)
  if (extra !== undefined) {
    const hint = runsProgram ? 'Give the program and its arguments after `--`.' : help
    throw usageError(`Unexpected argument ${shown(extra)} of ${path}`, hint)
  }
  if (runsProgram && program.length === 0) throw usageError('Missing: -- PROGRAM, the program to run', help)
  for (const [index, { name, choices }] of words.entries()) {
    const word = positionals[index]
    if (word !== undefined && choices !== undefined) checkChoice(name, [word], choices)
  }
  const needed = words.find(({ required }, index) => required === true && positionals[index] === undefined)
  if (needed !== undefined) throw usageError(`Missing: ${needed.name}, ${needed.help}`, help)
}

/** Replaces `-h`, the only short flag. */
function expandShort(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.map((arg, index) => (arg === '-h' && (end < 0 || index < end) ? '--help' : arg))
}

function valueOf(name: string, { kind, choices }: Flag, value: string | undefined, isInline: boolean): string {
  if (kind === 'boolean') {
    if (value !== undefined) throw usageError(`--${name} takes no value`)
    return 'true'
  }
  if (value === undefined || value === '') throw usageError(`--${name} needs a value`)
  if (!isInline && value.startsWith('-') && value.length > 1) {
    throw usageError(`--${name} needs a value`, `If the value begins with a dash: --${name}=VALUE`)
  }
  if (choices !== undefined) checkChoice(`--${name}`, kind === 'list' ? value.split(',') : [value], choices)
  return value
}

/** Throws CliError for a value that is not one of the choices, with the nearest one as the hint. */
function checkChoice(name: string, values: readonly string[], choices: readonly string[]): void {
  const wrong = values.map((value) => value.trim()).find((value) => !choices.includes(value))
  if (wrong === undefined) return
  const meant = nearest(wrong, choices)
  const all = [choices.slice(0, -1).join(', '), choices.at(-1)].filter(Boolean).join(' or ')
  throw usageError(
    `${name} must be ${all}, not ${shown(wrong)}`,
    meant === undefined ? undefined : `Did you mean ${meant}?`,
  )
}

function unknownFlag(name: string, declared: FlagTable) {
  const meant = nearest(name, Object.keys({ ...declared, ...globalFlags }))
  const dash = name.length === 1 ? '-' : '--'
  return usageError(
    `Unknown flag ${shown(`${dash}${name}`)}`,
    meant === undefined ? '--help shows all flags.' : `Did you mean --${meant}?`,
  )
}
