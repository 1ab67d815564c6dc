import { pino } from 'pino'
import { createLineWriter } from './line-writer.ts'

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
const MAX_JUDGED = 1_000

/** A structured logger, one JSON object a line, each with `fields`: on standard output, or where `write` takes each line. */
export function createLogger(level: string, write?: (line: string) => void, fields: object | null = null): Logger {
  const options = {
    level,
    base: fields,
    timestamp: timeMember,
    formatters: { log: concealFields },
  }
  return pino(options, { write: write ?? createLineWriter({ fd: process.stdout.fd }) })
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

function concealFields(fields: object): Record<string, unknown> {
  const named = fields as Record<string, unknown>
  for (const name of Object.keys(named)) {
    if ((typeof named[name] === 'object' && named[name] !== null) || isSecret(name)) return concealMembers(fields, 0)
  }
  return named
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
    return [name, isSecret(name) && member !== undefined ? CENSOR : conceal(member, depth + 1)]
  })
  return Object.fromEntries(members) as Record<string, unknown>
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
