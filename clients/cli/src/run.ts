import { usageError } from './cli-error.ts'
import type { As, Base, Ending, Io, Place } from './context.ts'
import { continueTrace } from './continue-trace.ts'
import { type Exit, exitCodes } from './exit-codes.ts'
import { type Failure, toFailure } from './failure.ts'
import { type Found, findCommand, findHelp } from './find-command.ts'
import { type FlagValues, globalFlags } from './flags.ts'
import { commandHelp, groupHelp, rootHelp, topics } from './help.ts'
import { createOutput, type Output } from './output.ts'
import { type CommandLine, checkCommandLine, parseFlags } from './parse.ts'
import { checkPlace, findPlace } from './place.ts'
import { readSetting } from './settings.ts'
import { splitArguments } from './split-arguments.ts'
import { createStyle, type Style, wantsColours } from './style.ts'
import { compact } from './text.ts'
import { VERSION } from './version.ts'

/** Runs the tool with a command line (without `node` and the script). Resolves with the exit code; never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    const ending = await dispatch(args, io)
    return typeof ending === 'number' ? ending : exitCodes[ending].code
  } catch (error) {
    const { aborted, reason } = io.signal
    if (aborted && reason === 'unread') return exitCodes.ok.code
    const failure = toFailure(error, aborted ? (reason === 'terminated' ? 'terminated' : 'interrupted') : undefined)
    report(failure, io, args)
    return exitCodes[failure.exit].code
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<Ending> {
  const { words, flags } = splitArguments(args)
  const [first] = words
  if (first === undefined) return withoutCommand(flags, io)
  if (first === 'help') return help(words.slice(1), createOutput(parseFlags(flags, globalFlags).values, io))
  const found = findCommand(words)
  if (found.kind === 'group') return help(words, createOutput(parseFlags(flags, globalFlags).values, io))
  const command = await found.entry.load()
  const { values, positionals, program } = parseFlags(flags, { ...command.flags, ...globalFlags })
  const output = createOutput(values, io)
  if (values.has('help')) return help(words, output)
  const all = [...found.rest, ...positionals, ...(command.runsProgram ? [] : program)]
  const line = { values, positionals: all, program }
  checkCommandLine(line, command, found.entry.words)
  const place = await findPlace(values, command, io, output.note)
  await checkPlace(place, command)
  const as = findAs(values, io, output.note)
  return (await command.run(createBase(line, io, output, { place, as }), values)) ?? 'ok'
}

function withoutCommand(args: readonly string[], io: Io): Exit {
  const { values } = parseFlags(args, { ...globalFlags, version: { kind: 'boolean', help: '' } })
  const output = createOutput(values, io)
  if (values.has('version')) {
    output.answer({ version: VERSION }, VERSION, VERSION)
    return 'ok'
  }
  if (!values.has('help')) {
    const colours = !values.has('json') && !values.has('no-color') && wantsColours(io.stderr.isTerminal, io.env)
    throw usageError('No command is given', rootHelp(createStyle(colours)))
  }
  const text = rootHelp(output.style)
  output.answer({ help: text }, text, text)
  return 'ok'
}

/** Runs `auth4agent help …` and `auth4agent … --help`. */
async function help(words: readonly string[], { style, answer }: Output): Promise<Exit> {
  const [topic] = words
  const ofTopic = topic !== undefined && words.length === 1 && Object.hasOwn(topics, topic) ? topics[topic] : undefined
  const text = topic === undefined ? rootHelp(style) : (ofTopic?.(style) ?? (await helpOf(findHelp(words), style)))
  answer({ help: text }, text, text)
  return 'ok'
}

async function helpOf(found: Found, style: Style): Promise<string> {
  if (found.kind === 'group') return groupHelp(style, found.prefix, found.entries)
  return commandHelp(style, found.entry, await found.entry.load())
}

/** Returns the choice of the operator's key: --as, or else AUTH4AGENT_AS. */
function findAs(values: FlagValues, { env }: Io, warn: (text: string) => void): As | undefined {
  const [given] = values.get('as') ?? []
  if (given !== undefined) return { label: given, chosenBy: '--as' }
  const label = readSetting(env, 'AS', warn)
  return label === undefined ? undefined : { label, chosenBy: 'environment' }
}

function createBase(
  { positionals, program }: CommandLine,
  io: Io,
  output: Output,
  { place, as }: { readonly place: Place; readonly as: As | undefined },
): Base {
  const traced = continueTrace(io.fetch, io.env)
  return {
    ...io,
    ...output,
    readStdin: onlyOnce(io.readStdin),
    fetch: stoppable({ ...io, fetch: traced }),
    fetchAnyway: traced,
    arguments: positionals,
    program,
    folder: place.folder,
    place,
    as,
  }
}

/** Throws CliError at the second call, because standard input can be read only once. */
function onlyOnce(readStdin: Io['readStdin']): Io['readStdin'] {
  let isRead = false
  return async () => {
    if (isRead) throw usageError('Standard input (-) is named twice', 'Name a file for one of the two.')
    isRead = true
    return readStdin()
  }
}

/** Makes a fetch that the tool's signal aborts. */
function stoppable({ fetch, signal }: Io): typeof globalThis.fetch {
  return (input, init) =>
    fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
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
