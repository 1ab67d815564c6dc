import { createLineWriter } from './line-writer.ts'
import { textLine } from './text-line.ts'

/**
 * Writes log lines: a message with fields to search by. Never throws: if fields cannot be shown, the line has
 * `unshown: true` instead.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Field names whose values never reach the log, at any depth, in any case and with any separators. */
const SECRET_NAMES = new Set([
  'accesstoken',
  'assertion',
  'authorization',
  'connectionstring',
  'cookie',
  'databaseurl',
  'jwt',
  'kek',
  'password',
  'privatekey',
  'secret',
  'secretkey',
  'seed',
  'setcookie',
  'signature',
  'token',
])
const CENSOR = '[redacted]'
const MAX_DEPTH = 6
const MAX_JUDGED = 1_000

/** Numbers of the levels, as in pino and bunyan. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const
type Level = keyof typeof LEVELS

/** JSON has one object per line, for programs. Text is for a person at a terminal. */
export type LogFormat = 'json' | 'text'

/** Returns a line with its line feed. */
type Render = (level: Level, fields: object, message: string) => string

/** For each format, a function that returns a renderer. Every line of the renderer contains `common`. */
const renderers: Readonly<Record<LogFormat, (common: object) => Render>> = { json: renderJson, text: renderText }

/** Creates a logger that adds `fields` to every line. It writes to `write`, by default to standard output. */
export function createLogger(
  level: Level | 'silent',
  write?: (line: string) => void,
  fields: object = {},
  format: LogFormat = 'json',
): Logger {
  const render = renderers[format](fields)
  const describeLost = (lines: number) =>
    render('warn', { lines }, 'log lines were dropped because the output was not read in time')
  const writeLine = write ?? createLineWriter({ fd: process.stdout.fd, describeLost })
  const least = level === 'silent' ? Number.POSITIVE_INFINITY : LEVELS[level]
  const at = (name: Level): Logger[Level] => {
    if (LEVELS[name] < least) return () => undefined
    return (fields, message) => writeLine(render(name, fields, message))
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function renderJson(common: object): Render {
  const members = shownMembers(common)
  return (level, fields, message) =>
    `{"level":${LEVELS[level]}${timeMember()}${members}${shownMembers(fields)},"msg":${JSON.stringify(message)}}\n`
}

function renderText(common: object): Render {
  return (level, fields, message) => {
    try {
      return textLine(new Date(), level, concealMembers({ ...common, ...fields }, 0), message)
    } catch {
      return textLine(new Date(), level, { unshown: true }, message)
    }
  }
}

/** Returns the members of an object as JSON to append to another object: each follows a comma. */
function shownMembers(fields: object): string {
  try {
    const text = JSON.stringify(concealFields(fields))
    return text === '{}' ? '' : `,${text.slice(1, -1)}`
  } catch {
    return ',"unshown":true'
  }
}

let lastMs = Number.NaN
let lastMember = ''

/** Returns the time member of a line. Lines of the same millisecond share one text. */
function timeMember(): string {
  const now = Date.now()
  if (now !== lastMs) {
    lastMs = now
    lastMember = `,"time":"${new Date(now).toISOString()}"`
  }
  return lastMember
}

function concealFields(fields: object): object {
  const named = fields as Readonly<Record<string, unknown>>
  for (const name of Object.keys(named)) {
    if (!isPlain(named[name]) || isSecret(name)) return concealMembers(fields, 0)
  }
  return named
}

/** Returns whether JSON shows a value unchanged. */
function isPlain(value: unknown): boolean {
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' || value === undefined || value === null
}

function conceal(value: unknown, depth: number): unknown {
  if (isPlain(value)) return value
  if (typeof value === 'function') return undefined
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Date) return new Date(Number(value)).toJSON()
  if (depth > MAX_DEPTH) return '[too deep]'
  // Bytes may be keys, and are of no use to a reader.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.map((item) => conceal(item, depth + 1))
  return concealMembers(value instanceof Error ? describeError(value) : value, depth)
}

function concealMembers(value: object, depth: number): Record<string, unknown> {
  const members = Object.entries(value).map(([name, member]) => {
    return [name, isSecret(name) && member !== undefined ? CENSOR : conceal(member, depth + 1)]
  })
  return Object.fromEntries(members) as Record<string, unknown>
}

/** Returns the fields of an error for the log. The stack also contains the causes that are errors. */
function describeError(error: Error): object {
  const { constructor, message, cause } = error
  return {
    ...Object.fromEntries(Object.entries(error)),
    type: constructor.name,
    message,
    stack: stackOf(error, 0),
    ...(error instanceof AggregateError && { errors: error.errors }),
    cause: cause instanceof Error ? undefined : cause,
  }
}

function stackOf(error: Error, depth: number): string {
  const stack = error.stack ?? String(error)
  const { cause } = error
  return cause instanceof Error && depth < MAX_DEPTH ? `${stack}\ncaused by: ${stackOf(cause, depth + 1)}` : stack
}

/** Remembers which names are secret. The number is limited, because foreign errors may have fields of any name. */
const judged = new Map<string, boolean>()

function isSecret(name: string): boolean {
  const known = judged.get(name)
  if (known !== undefined) return known
  const found = SECRET_NAMES.has(name.toLowerCase().replaceAll(/[_-]/g, ''))
  if (judged.size < MAX_JUDGED) judged.set(name, found)
  return found
}
