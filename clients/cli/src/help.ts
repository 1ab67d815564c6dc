import type { Command, CommandEntry, Example } from './command.ts'
import { commandGroups } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import { type FlagTable, globalFlags } from './flags.ts'
import type { Style } from './style.ts'

/** All steps from nothing to a token. The tool also prints them if no command is given. */
const tour: readonly Example[] = [
  {
    does: 'create an operator with key and domain',
    line: 'auth4agent init --operator --domain example.com --server https://auth.example.com',
  },
  { does: 'register the operator with the server', line: 'auth4agent register operator' },
  { does: 'show the proof of the domain, a TXT record to publish', line: 'auth4agent verify-operator instructions' },
  { does: 'ask the server to look for the proof', line: 'auth4agent verify-operator confirm' },
  {
    does: 'create an agent of that domain',
    line: 'auth4agent init --domain example.com --server https://auth.example.com',
  },
  { does: 'register the agent with the server', line: 'auth4agent register agent' },
  { does: 'grant the agent a scope', line: 'auth4agent agent-scopes set --scope orders:read' },
  { does: 'get a token', line: 'auth4agent issue --scope orders:read --aud https://api.example.com' },
]

/** Help topics that are not commands. */
export const topics: Readonly<Record<string, (style: Style) => string>> = { 'exit-codes': exitCodesHelp }

/** Writes the help of the tool: a tour and all commands. */
export function rootHelp(style: Style): string {
  const lists = commandGroups.map(({ title, commands }) => section(style, title, listed(style, commands)))
  return [
    'auth4agent manages operators, agents and tokens of an Auth4Agent server.',
    section(style, 'From nothing to a token', examples(style, tour)),
    ...lists,
    section(style, 'Flags of every command', flags(style, globalFlags)),
    'auth4agent COMMAND --help    examples and flags of one command\nauth4agent help exit-codes   meaning of exit codes\nauth4agent --version         version of the tool',
  ].join('\n\n')
}

/** Writes the help of a group: all commands with the same first words. */
export function groupHelp(style: Style, prefix: string, entries: readonly CommandEntry[]): string {
  return [
    section(style, `auth4agent ${prefix}`, listed(style, entries)),
    `auth4agent ${prefix} … --help    examples and flags`,
  ].join('\n\n')
}

/** Writes the help of one command, with the examples before the flags. */
export function commandHelp(style: Style, { words, summary }: CommandEntry, command: Command): string {
  const own = Object.keys(command.flags).length > 0 ? [section(style, 'Flags', flags(style, command.flags))] : []
  const rows = command.arguments.map(({ name, help }) => [name, help] as const)
  return [
    `${style.bold(usage(words, command))}\n  ${summary}`,
    section(style, 'Examples', examples(style, command.examples)),
    ...command.help,
    ...(rows.length > 0 ? [section(style, 'Arguments', table(style, rows))] : []),
    ...own,
    section(style, 'Flags of every command', flags(style, globalFlags)),
  ].join('\n\n')
}

function exitCodesHelp(style: Style): string {
  const rows = Object.values(exitCodes).map(({ code, means }) => [String(code), means] as const)
  return section(style, 'Exit codes', table(style, rows))
}

function usage(words: string, command: Command): string {
  const named = command.arguments.map(({ name, required }) => (required === true ? name : `[${name}]`))
  const needed = Object.entries(command.flags).flatMap(([name, { required, value }]) =>
    required === true ? [`--${name} ${value ?? ''}`.trim()] : [],
  )
  const others = Object.values(command.flags).some(({ required }) => required !== true) ? ['[flags]'] : []
  const program = command.runsProgram ? ['-- PROGRAM [ARGUMENT …]'] : []
  return ['auth4agent', words, ...named, ...needed, ...others, ...program].join(' ')
}

function flags(style: Style, table_: FlagTable): string {
  const rows = Object.entries(table_).map(([name, { kind, value, help, required }]) => {
    const more = [required === true ? 'required' : '', kind === 'list' ? 'may be repeated' : ''].filter(Boolean)
    return [
      `--${name}${value === undefined ? '' : ` ${value}`}`,
      more.length > 0 ? `${help} (${more.join(', ')})` : help,
    ] as const
  })
  return table(style, rows)
}

function listed(style: Style, entries: readonly CommandEntry[]): string {
  return table(
    style,
    entries.map(({ words, summary }) => [words, summary] as const),
  )
}

function examples(style: Style, all: readonly Example[]): string {
  return all.map(({ does, line }) => `${style.dim(`# ${does}`)}\n${line}`).join('\n')
}

function table(style: Style, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `${style.bold(name)}${' '.repeat(width - name.length + 3)}${text}`).join('\n')
}

function section(style: Style, title: string, text: string): string {
  const indented = text.replaceAll(/^/gm, '  ')
  return `${style.bold(title)}\n${indented}`
}
