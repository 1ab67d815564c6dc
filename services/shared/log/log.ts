import { pino } from 'pino'

/** The part of pino that the code uses. */
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

/** A structured logger, one JSON object a line, each with `fields`: on standard output, or where `write` takes each line. */
export function createLogger(level: string, write?: (line: string) => void, fields: object | null = null): Logger {
  const options = {
    level,
    base: fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: concealFields },
  }
  return write === undefined ? pino(options) : pino(options, { write })
}

function concealFields(fields: object): Record<string, unknown> {
  return concealMembers(fields, 0)
}

function conceal(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth > MAX_DEPTH) return '[too deep]'
  // Bytes may be keys, and say nothing to a reader.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.map((item) => conceal(item, depth + 1))
  return concealMembers(value instanceof Error ? pino.stdSerializers.err(value) : value, depth)
}

function concealMembers(value: object, depth: number): Record<string, unknown> {
  const members = Object.entries(value).map(([name, member]) => {
    const isSecret = SECRET_NAMES.has(name.toLowerCase().replaceAll(/[_-]/g, ''))
    return [name, isSecret && member !== undefined ? CENSOR : conceal(member, depth + 1)]
  })
  return Object.fromEntries(members) as Record<string, unknown>
}
