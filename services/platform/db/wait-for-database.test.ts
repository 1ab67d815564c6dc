import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../../../test/support/database.ts'
import { runSql } from '../../../test/support/sql.ts'
import { startTcpProxy, type TcpProxy, targetOf, urlThrough } from '../../../test/support/tcp-proxy.ts'
import { StartupError } from '../errors/startup-error.ts'
import { openDb } from './db.ts'
import { judgeDatabase, type WaitOptions, withDatabase } from './wait-for-database.ts'

interface Line {
  readonly database: string
  readonly problem?: string
  readonly text: string
}

const database = await testDatabase()
afterAll(() => database.drop())

let proxy: TcpProxy
let lines: Line[]
let onLine: (line: Line) => void
beforeEach(async () => {
  proxy = await startTcpProxy(targetOf(database.url))
  lines = []
  onLine = () => undefined
})
afterEach(() => proxy.close())

const note = (fields: object, text: string) => {
  const line = { ...fields, text } as Line
  lines.push(line)
  onLine(line)
}
const log = { info: note, warn: note }
/** Resolves at the next line whose problem contains the text. */
const untilSaid = (problem: string) =>
  new Promise<void>((resolve) => {
    onLine = (line) => line.problem?.includes(problem) && resolve()
  })
const TIMING = { sayMs: 50, againMs: 10, connectMs: 10_000 }
const UNHURRIED = { timing: {} }
let waits = 0
const begin = (work: () => Promise<unknown>, others: Partial<WaitOptions> = {}) => {
  waits = 0
  const { url = urlThrough(proxy, database.url), signal = new AbortController().signal, timing = TIMING } = others
  return withDatabase({ url, name: 'DATABASE_URL', log, signal, timing, onWaiting: () => (waits += 1) }, work)
}
/** Changes the URL without a Unix socket, by which no password is needed. */
const changed = (change: (url: URL) => void) => {
  const url = Object.assign(new URL(database.url), { search: '' })
  change(url)
  return url.href
}
const password = new URL(database.url).password

describe('withDatabase', () => {
  it('does the work once and says nothing when the database answers', async () => {
    expect(await begin(async () => 42, UNHURRIED)).toBe(42)
    expect({ lines, waits }).toEqual({ lines: [], waits: 0 })
  })

  it('waits for a database that refuses connections, and says so with its setting and without its password', async () => {
    await proxy.cut()
    const said = untilSaid('ECONNREFUSED')
    const started = begin(async () => 42)
    await said
    await proxy.pass()
    expect(await started).toBe(42)
    const { host, pathname } = new URL(urlThrough(proxy, database.url))
    expect(lines[0]).toMatchObject({ database: host + pathname, text: 'waiting for the database of DATABASE_URL' })
    expect(lines.at(-1)?.text).toBe('the database of DATABASE_URL answers')
    expect(JSON.stringify(lines)).not.toContain(password)
    expect(waits).toBe(1)
  })

  it('waits for a database that accepts connections and is silent', async () => {
    proxy.stall()
    const said = untilSaid('it does not answer')
    const started = begin(async () => 42)
    await said
    await proxy.pass()
    expect(await started).toBe(42)
  })

  it('waits while connecting takes longer than calls wait for a connection', async () => {
    proxy.delay(400)
    const said = untilSaid('but calls wait only 1.5 s')
    const started = begin(async () => 42)
    await said
    proxy.delay(0)
    expect(await started).toBe(42)
  })

  it('does the work again when the database is lost during it', async () => {
    let attempts = 0
    const work = async () => {
      attempts += 1
      const db = openDb({ url: urlThrough(proxy, database.url), poolSize: 1, log: { ...log, debug() {}, error() {} } })
      try {
        if (attempts > 1) await proxy.pass()
        else await proxy.cut()
        return await db.prisma.jwksKey.count()
      } finally {
        await db.close()
        await proxy.pass()
      }
    }
    expect(await begin(work)).toBe(0)
    expect(attempts).toBe(2)
  })

  it('waits for a database whose Unix socket is missing, and names the folder of the socket', async () => {
    const url = 'postgresql://a:b@localhost/auth4agent?host=/nowhere'
    const stopping = new AbortController()
    const said = untilSaid('connect ENOENT')
    const started = begin(async () => 42, { url, signal: stopping.signal })
    await said
    stopping.abort('SIGTERM')
    await expect(started).rejects.toBe('SIGTERM')
    expect(lines[0]).toMatchObject({ database: '/nowhere/auth4agent' })
  })

  it.each([
    ['refused connections', 'ECONNREFUSED', () => proxy.cut()],
    ['silence', 'it does not answer', async () => proxy.stall()],
  ])('ends at once when it is stopped during %s', async (_name, problem, fail) => {
    await fail()
    const stopping = new AbortController()
    const said = untilSaid(problem)
    const started = begin(async () => 42, { signal: stopping.signal })
    await said
    stopping.abort('SIGTERM')
    await expect(started).rejects.toBe('SIGTERM')
  })

  it.each([
    ['a wrong password', changed((url) => (url.password = 'wrong')), 'password authentication failed'],
    ['an unknown database', changed((url) => (url.pathname = '/none')), 'does not exist'],
    ['a database without TLS', changed((url) => (url.search = '?sslmode=verify-full')), 'does not support SSL'],
  ])('throws at once for %s', async (_name, url, message) => {
    await expect(begin(async () => 42, { ...UNHURRIED, url })).rejects.toThrow(message)
    expect(lines).toEqual([])
  })

  it('throws an error of the work that waiting cannot mend', async () => {
    await expect(begin(() => Promise.reject(new StartupError('The migration failed')), UNHURRIED)).rejects.toThrow(
      StartupError,
    )
    await expect(begin(() => runSql(database.url, 'SELECT 1 / 0'), UNHURRIED)).rejects.toThrow('division by zero')
    expect(lines).toEqual([])
  })
})

describe('judgeDatabase', () => {
  it.each([
    ['PostgreSQL 14', { version: 140_019 }, 1, 'The database is PostgreSQL 14, but Auth4Agent needs 15'],
    ['a slow network', { version: 170_000 }, 4_060, 'Connecting took 4.1 s, but calls wait only 1.5 s'],
  ])('refuses %s', (_name, row, tookMs, message) => {
    expect(() => judgeDatabase(row, tookMs)).toThrow(message)
  })

  it('accepts PostgreSQL 15 and newer', () => {
    for (const version of [150_000, 180_004]) judgeDatabase({ version }, 1_000)
  })
})
