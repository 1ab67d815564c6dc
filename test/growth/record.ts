import { AsyncLocalStorage } from 'node:async_hooks'
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { PrismaClient } from '../../gen/prisma/client.ts'

/** A statement that the server has sent, and the line of `services/` that sent it. */
export interface Recorded {
  /** Path from the checkout and line, such as `services/identity/store.ts:68`. */
  readonly site: string
  /** The name of a prepared statement; empty for one that is planned for its values each time. */
  readonly name: string
  readonly text: string
  /** As PostgreSQL gets them. */
  readonly values: readonly (string | null)[]
}

/** The variable that names the folder to a server of a test. */
const FOLDER_VARIABLE = 'TEST_STATEMENTS_FOLDER'
let recordsTo: string | undefined

type Method = (this: unknown, ...args: unknown[]) => unknown

const ROOT = join(import.meta.dirname, '../..')
/** Where a statement of the server begins. What a test sends itself is not recorded. */
const FRAME = /(?:file:\/\/)?(\/[^\s()]+?\/((?:services|test|clients)\/[^\s():]+)):(\d+):\d+/
const IS_SERVER = /^services\/.*(?<!\.test)\.ts:\d+$/
/** They stand between every statement and the place that sends it. */
const BETWEEN = new Set([join(ROOT, 'services/platform/db/break-when-silent.ts'), fileURLToPath(import.meta.url)])

/** The line of the call that is under way. */
const sites = new AsyncLocalStorage<string | undefined>()
const at = (site: string | undefined, run: () => unknown): unknown => sites.run(site ?? sites.getStore(), run)

/**
 * Records each statement that code of `services/` sends in this process, once, in a file of `folder`. The line that
 * sends it is found when the call is made, because later nobody knows it: Prisma and pg continue in other turns.
 */
export function recordStatements(folder: string | undefined = process.env[FOLDER_VARIABLE]): void {
  if (folder === undefined || recordsTo !== undefined) return
  recordsTo = folder
  mkdirSync(folder, { recursive: true })
  watchPg(createRecorder(join(folder, `${process.pid}.jsonl`)))
  watchPrisma(PrismaClient.prototype)
}

type Write = (site: string | undefined, args: readonly unknown[]) => void

function createRecorder(file: string): Write {
  const seen = new Set<string>()
  return (site, [query, values]) => {
    const { name, text, values: own } = statementOf(query)
    if (site === undefined || text === undefined || !IS_SERVER.test(site)) return
    const key = `${site} ${text}`
    if (seen.has(key)) return
    seen.add(key)
    const sent = own ?? (Array.isArray(values) ? values : [])
    appendFileSync(file, `${JSON.stringify({ site, name, text, values: sent.map(asSent) } satisfies Recorded)}\n`)
  }
}

function watchPg(record: Write): void {
  wrap(pg.Pool.prototype, 'query', (original, pool, args) => {
    const site = sites.getStore() ?? siteOf(new Error('here'))
    record(site, args)
    // A caller that waits for a connection continues in the context of the caller that gives it back.
    return sites.run(site, () => original.apply(pool, args))
  })
  wrap(pg.Client.prototype, 'query', (original, client, args) => {
    record(sites.getStore() ?? siteOf(new Error('here')), args)
    return original.apply(client, args)
  })
}

function watchPrisma(prisma: object): void {
  for (const name of ['$queryRaw', '$executeRaw', '$queryRawUnsafe', '$executeRawUnsafe']) {
    wrap(prisma, name, (original, client, args) => {
      const site = siteOf(new Error('here'))
      const promise = original.apply(client, args) as object
      // It sends the statement when somebody waits for it.
      wrap(promise, 'then', (then, self, handlers) => at(site, () => then.apply(self, handlers)))
      return promise
    })
  }
  wrap(prisma, '_request', (original, client, args) => {
    const { callsite } = args[0] as { readonly callsite?: object }
    const error: unknown = callsite && Reflect.get(callsite, '_error')
    return at(error instanceof Error ? siteOf(error) : undefined, () => original.apply(client, args))
  })
}

/** Returns the settings with which a process that this one starts records its statements too. */
export function recordingEnvironment(): Readonly<Record<string, string>> {
  if (recordsTo === undefined) return {}
  const program = new URL('record-program.ts', import.meta.url)
  return { [FOLDER_VARIABLE]: recordsTo, NODE_OPTIONS: `--import=${program.href}` }
}

/** Calls `around` in place of a method. It gets the method, the object and the arguments. */
function wrap(
  target: object,
  name: string,
  around: (original: Method, self: unknown, args: unknown[]) => unknown,
): void {
  const original: unknown = Reflect.get(target, name)
  if (typeof original !== 'function') throw new Error(`${name} is no method any more, so statements cannot be recorded`)
  const wrapped: Method = function (...args) {
    return around(original as Method, this, args)
  }
  Reflect.set(target, name, wrapped)
}

/** The lines of the project by where they are in the code that runs, because finding a line takes long. */
const known = new Map<string, string | undefined>()

/** Returns the nearest line of this project that is on the stack. */
function siteOf(error: Error): string | undefined {
  const { sites: stack, format } = sitesOf(error)
  const nearest = stack.find((site) => isProject(fileOf(site)))
  if (nearest === undefined) return undefined
  const where = `${fileOf(nearest)}:${nearest.getLineNumber()}:${nearest.getColumnNumber()}`
  if (!known.has(where)) {
    const [, , name, line] = FRAME.exec(format(nearest)) ?? []
    known.set(where, name && `${name}:${line}`)
  }
  return known.get(where)
}

/** Returns the calls that led to an error, and what writes one of them with the line of its source. */
function sitesOf(error: Error) {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')?.value as typeof Error.prepareStackTrace
  let sites: NodeJS.CallSite[] = []
  Error.prepareStackTrace = (_, found) => {
    sites = found
    return String(error)
  }
  // V8 writes the text of a stack when it is read for the first time.
  void error.stack
  Error.prepareStackTrace = before
  const format = (site: NodeJS.CallSite): string => String(before?.(error, [site]) ?? site)
  return { sites, format }
}

const fileOf = (site: NodeJS.CallSite): string => (site.getFileName() ?? '').replace(/^file:\/\//, '')

/** Returns whether a file belongs to this project, and does not stand between all statements and their senders. */
function isProject(file: string): boolean {
  const isOwn = file.startsWith(`${ROOT}/`) && !file.includes('/node_modules/')
  return isOwn && !BETWEEN.has(file) && /^(?:services|test|clients)\//.test(file.slice(ROOT.length + 1))
}

interface Statement {
  readonly name: string
  readonly text: string | undefined
  readonly values: readonly unknown[] | undefined
}

function statementOf(query: unknown): Statement {
  if (typeof query === 'string') return { name: '', text: query, values: undefined }
  const { name, text, values } = (query ?? {}) as { name?: unknown; text?: unknown; values?: unknown }
  return {
    name: typeof name === 'string' ? name : '',
    text: typeof text === 'string' ? text : undefined,
    values: Array.isArray(values) ? values : undefined,
  }
}

/** Returns the text that pg sends for a value, as PostgreSQL reads it. */
function asSent(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map(asElement).join(',')}}`
  return typeof value === 'string' ? value : JSON.stringify(typeof value === 'bigint' ? Number(value) : value)
}

function asElement(value: unknown): string {
  const text = asSent(value)
  if (text === null || Array.isArray(value)) return text ?? 'NULL'
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
