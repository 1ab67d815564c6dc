import { dirname, join, resolve } from 'node:path'
import { usageError } from './cli-error.ts'
import type { Base, Io, Writer } from './context.ts'
import { type Exit, exitCodes } from './exit-codes.ts'
import { type Failure, toFailure } from './failure.ts'
import { type Found, findCommand } from './find-command.ts'
import { type FlagValues, globalFlags } from './flags.ts'
import { commandHelp, groupHelp, rootHelp, topics } from './help.ts'
import { checkCommandLine, parseFlags } from './parse.ts'
import { showProgress } from './progress.ts'
import { splitArguments } from './split-arguments.ts'
import { createStyle, type Style, wantsColours } from './style.ts'
import { compact, plain } from './text.ts'
import { VERSION } from './version.ts'

/** Runs the tool on a command line, without the program's own two words. Answers the exit code; never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    return exitCodes[await dispatch(args, io)].code
  } catch (error) {
    const { aborted, reason } = io.signal
    if (aborted && reason === 'unread') return exitCodes.ok.code
    const failure = toFailure(error, aborted ? (reason === 'terminated' ? 'terminated' : 'interrupted') : undefined)
    report(failure, io, args)
    return exitCodes[failure.exit].code
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<Exit> {
  const { words, flags } = splitArguments(args)
  const [first] = words
  if (first === undefined) return withoutCommand(flags, io)
  if (first === 'help') return help(words.slice(1), createBase(parseFlags(flags, globalFlags).values, io, []))
  const found = findCommand(words)
  if (found.kind === 'group') return help(words, createBase(parseFlags(flags, globalFlags).values, io, []))
  const command = await found.entry.load()
  const { values, positionals } = parseFlags(flags, { ...command.flags, ...globalFlags })
  const all = [...found.rest, ...positionals]
  const base = createBase(values, io, all)
  if (values.has('help')) return help(words, base)
  checkCommandLine({ values, positionals: all }, command, found.entry.words)
  return (await command.run(base, values)) ?? 'ok'
}

function withoutCommand(args: readonly string[], io: Io): Exit {
  const { values } = parseFlags(args, { ...globalFlags, version: { kind: 'boolean', help: '' } })
  const base = createBase(values, io, [])
  if (values.has('version')) {
    base.answer({ version: VERSION }, VERSION)
    return 'ok'
  }
  if (!values.has('help')) throw usageError('no command', rootHelp(styleFor(io.stderr, values, io)))
  const text = rootHelp(base.style)
  base.answer({ help: text }, text)
  return 'ok'
}

/** `auth4agent help …` and `auth4agent … --help`. */
async function help(words: readonly string[], base: Base): Promise<Exit> {
  const [topic] = words
  const ofTopic = topic !== undefined && words.length === 1 && Object.hasOwn(topics, topic) ? topics[topic] : undefined
  const text =
    topic === undefined ? rootHelp(base.style) : (ofTopic?.(base.style) ?? (await helpOf(findCommand(words), base)))
  base.answer({ help: text }, text)
  return 'ok'
}

async function helpOf(found: Found, { style }: Base): Promise<string> {
  if (found.kind === 'group') return groupHelp(style, found.prefix, found.entries)
  return commandHelp(style, found.entry, await found.entry.load())
}

function createBase(values: FlagValues, io: Io, words: readonly string[]): Base {
  const json = values.has('json')
  const quiet = values.has('quiet')
  const remarks = !json && !quiet
  return {
    ...io,
    readStdin: onlyOnce(io.readStdin),
    fetch: stoppable(io),
    fetchAnyway: io.fetch,
    arguments: words,
    folder: folderOf(values, io),
    json,
    quiet,
    style: styleFor(io.stdout, values, io),
    answer: (value, text) => io.stdout.write(`${json ? compact(value) : text}\n`),
    note: (text) => (remarks ? io.stderr.write(`${plain(text)}\n`) : undefined),
    progress: (what, work) => (remarks ? showProgress(io.stderr, what, work) : work),
  }
}

function styleFor({ isTerminal }: Writer, values: FlagValues, { env }: Io): Style {
  return createStyle(!values.has('json') && !values.has('no-color') && wantsColours(isTerminal, env))
}

/** What has been read is gone. */
function onlyOnce(readStdin: Io['readStdin']): Io['readStdin'] {
  let isRead = false
  return async () => {
    if (isRead) throw usageError('standard input is one thing, and it is named twice', 'Name a file for the other.')
    isRead = true
    return readStdin()
  }
}

/** Requests end when the tool is told to. */
function stoppable({ fetch, signal }: Io): typeof globalThis.fetch {
  return (input, init) =>
    fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
}

/** Absolute, for it is written into configurations. `--config` has been a file's path in the folder, and still may be. */
function folderOf(values: FlagValues, { env, home }: Io): string {
  const [given] = values.get('config') ?? []
  const path = given ?? (env.AUTH4AGENTS_HOME || join(home, '.auth4agents'))
  const absolute = path === '~' || path.startsWith('~/') ? join(home, path.slice(2)) : resolve(path)
  return absolute.endsWith('.json') ? dirname(absolute) : absolute
}

function report({ reason, message, hint, exit }: Failure, { stdout, stderr, env }: Io, args: readonly string[]): void {
  if (hasFlag(args, 'json'))
    return stdout.write(`${compact({ error: { reason, message, ...(hint !== undefined && { hint }) } })}\n`)
  if (exit === 'interrupted' || exit === 'terminated') return
  const style = createStyle(!hasFlag(args, 'no-color') && wantsColours(stderr.isTerminal, env))
  const known = ['USAGE', 'CONFIGURATION', 'TOOL_ERROR'].includes(reason) ? '' : ` ${style.dim(`(${reason})`)}`
  stderr.write(`${style.bad('error:')} ${message}${known}\n${hint === undefined ? '' : `${hint}\n`}`)
}

function hasFlag(args: readonly string[], name: string): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).includes(`--${name}`)
}
