import { createLineWriter } from './line-writer.ts'
import { textLine } from './text-line.ts'

/** Tells what happened, with fields that a reader can search by. Never throws: what cannot be shown is left out, and the line says so. */
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

/** Numbers of levels, as readers of such logs know them. */
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const
type Level = keyof typeof LEVELS

/** JSON for programs that collect logs, one object a line; text for a person at a terminal. */
export type LogFormat = 'json' | 'text'

/** Makes a line, with its line feed. */
type Render = (level: Level, fields: object, message: string) => string

/** Makes the function that makes lines with `common` in each. */
const renderers: Readonly<Record<LogFormat, (common: object) => Render>> = { json: renderJson, text: renderText }

/** A structured logger whose lines all have `fields`: on standard output, or where `write` takes each line. */
export function createLogger(
  level: Level | 'silent',
  write?: (line: string) => void,
  fields: object = {},
  format: LogFormat = 'json',
): Logger {
  const render = renderers[format](fields)
  const describeLost = (lines: number) =>
    render('warn', { lines }, 'lines of the log were lost: nobody read them in time')
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

/** The members of an object as they stand in another's JSON, each after a comma. */
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

/** The moment of a line, for many lines of one millisecond written once. */
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

/** Whether JSON shows a value as it is. */
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
  // Bytes may be keys, and say nothing to a reader.
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

/** An error with its own fields; causes that are errors stand in its stack. */
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

/** The names of fields are the code's own, but for those of foreign errors. */
const judged = new Map<string, boolean>()

function isSecret(name: string): boolean {
  const known = judged.get(name)
  if (known !== undefined) return known
  const found = SECRET_NAMES.has(name.toLowerCase().replaceAll(/[_-]/g, ''))
  if (judged.size < MAX_JUDGED) judged.set(name, found)
  return found
}
