import type { Command, CommandEntry, Example } from './command.ts'
import { groups } from './commands.ts'
import { isSupplied, suppliedFlags } from './common-flags.ts'
import { exitCodes } from './exit-codes.ts'
import { type Flag, type FlagTable, globalFlags } from './flags.ts'
import type { Style } from './style.ts'
import { wrapped } from './text.ts'

/** Columns of a terminal. */
const WIDTH = 80
const INDENT = 2

/** All steps from nothing to a token. */
const tour: readonly Example[] = [
  {
    does: 'create an operator with key and domain',
    line: 'auth4agent init --operator --domain example.com --server https://auth.example.com',
  },
  { does: 'register the operator with the server', line: 'auth4agent operator register' },
  { does: 'show the proof of the domain, a TXT record to publish', line: 'auth4agent operator show-proof' },
  { does: 'ask the server to look for the proof', line: 'auth4agent operator confirm' },
  { does: 'create an agent of that domain, for the same server', line: 'auth4agent init' },
  { does: 'register the agent with the server', line: 'auth4agent agent register' },
  { does: 'grant the agent a scope', line: 'auth4agent scope set --scope orders:read' },
  { does: 'get a token', line: 'auth4agent token issue --scope orders:read --aud https://api.example.com' },
]

/** Help topics that are not commands. */
export const topics: Readonly<Record<string, (style: Style) => string>> = {
  tour: (style) => section(style, 'From nothing to a token', examples(style, tour)),
  flags: flagsHelp,
  'exit-codes': exitCodesHelp,
}

/** Writes the help of the tool, which fits on a screen: all nouns, in groups. */
export function rootHelp(style: Style): string {
  const lists = groups.map(({ title, alone, nouns }) => {
    const rows = [
      ...alone.map(({ words, summary }) => [words, summary] as const),
      ...nouns.map(({ noun, summary }) => [noun, summary] as const),
    ]
    return section(style, title, table(style, rows, widthOfNames))
  })
  return [
    'auth4agent NOUN VERB [ARGUMENT …] [flags]   operators, agents and tokens',
    ...lists,
    'auth4agent NOUN --help lists its verbs, auth4agent NOUN VERB --help explains one',
    'auth4agent help tour|flags|exit-codes, auth4agent completion SHELL, --version',
  ].join('\n')
}

const widthOfNames = Math.max(
  ...groups.flatMap(({ alone }) => alone).map(({ words }) => words.length),
  ...groups.flatMap(({ nouns }) => nouns).map(({ noun }) => noun.length),
)

/** Writes the help of a noun: all commands that begin with it. */
export function groupHelp(style: Style, prefix: string, entries: readonly CommandEntry[]): string {
  const rows = entries.map(({ words, summary }) => [words, summary] as const)
  return [
    section(style, `auth4agent ${prefix}`, table(style, rows)),
    `auth4agent ${prefix} … --help    examples and flags`,
  ].join('\n\n')
}

/** Writes the help of one command, with the examples before the flags. */
export function commandHelp(style: Style, { words, summary }: CommandEntry, command: Command): string {
  const own = Object.entries(command.flags).filter(([name, flag]) => !isSupplied(name, flag))
  const supplied = Object.entries(command.flags).filter(([name, flag]) => isSupplied(name, flag))
  const rows = command.arguments.map(({ name, help }) => [name, help] as const)
  return [
    `${style.bold(usage(words, command))}\n  ${summary}`,
    section(style, 'Examples', examples(style, command.examples)),
    ...command.help.map((paragraph) => wrapped(paragraph, WIDTH)),
    ...(rows.length > 0 ? [section(style, 'Arguments', table(style, rows))] : []),
    ...(own.length > 0 ? [section(style, 'Flags', flags(style, Object.fromEntries(own)))] : []),
    ...(supplied.length > 0 ? [named(style, 'Flags that the context supplies', supplied)] : []),
    named(style, 'Flags of every command', Object.entries(globalFlags)),
    '`auth4agent help flags` explains the flags of the last lines.',
  ].join('\n\n')
}

function flagsHelp(style: Style): string {
  return [
    section(style, 'Flags that the context supplies', flags(style, suppliedFlags)),
    section(style, 'Flags of every command', flags(style, globalFlags)),
  ].join('\n\n')
}

function exitCodesHelp(style: Style): string {
  const rows = Object.values(exitCodes).map(({ code, means }) => [String(code), means] as const)
  return section(style, 'Exit codes', table(style, rows))
}

function usage(words: string, command: Command): string {
  const all = command.arguments.map(({ name, required }) => (required === true ? name : `[${name}]`))
  const needed = Object.entries(command.flags).flatMap(([name, { required, value }]) =>
    required === true ? [`--${name} ${value ?? ''}`.trim()] : [],
  )
  const isMore = Object.entries(command.flags).some(([name, flag]) => flag.required !== true && !isSupplied(name, flag))
  const program = command.runsProgram ? ['-- PROGRAM [ARGUMENT …]'] : []
  return ['auth4agent', words, ...all, ...needed, ...(isMore ? ['[flags]'] : []), ...program].join(' ')
}

/** Names flags in one line, without explaining them. */
function named(style: Style, title: string, some: readonly (readonly [string, Flag])[]): string {
  return section(style, title, wrapped(some.map(([name]) => `--${name}`).join(', '), WIDTH - INDENT))
}

function flags(style: Style, table_: FlagTable): string {
  const rows = Object.entries(table_).map(([name, { kind, value, help, more, required }]) => {
    const notes = [required === true ? 'required' : '', kind === 'list' ? 'may be repeated' : ''].filter(Boolean)
    const text = more === undefined ? help : `${help}; ${more}`
    return [
      `--${name}${value === undefined ? '' : ` ${value}`}`,
      notes.length > 0 ? `${text} (${notes.join(', ')})` : text,
    ] as const
  })
  return table(style, rows)
}

function examples(style: Style, all: readonly Example[]): string {
  return all.map(({ does, line }) => `${style.dim(`# ${does}`)}\n${line}`).join('\n')
}

/** Writes rows in two columns, the second one wrapped. */
function table(style: Style, rows: readonly (readonly [string, string])[], least = 0): string {
  const width = Math.max(least, ...rows.map(([name]) => name.length)) + 3
  return rows
    .map(([name, text]) => {
      const lines = wrapped(text, WIDTH - INDENT - width).replaceAll('\n', `\n${' '.repeat(width)}`)
      return `${style.bold(name)}${' '.repeat(width - name.length)}${lines}`
    })
    .join('\n')
}

function section(style: Style, title: string, text: string): string {
  const indented = text.replaceAll(/^/gm, ' '.repeat(INDENT))
  return `${style.bold(title)}\n${indented}`
}
