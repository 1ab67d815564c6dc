import { CASES, type Case, type CaseName } from './cases.ts'
import { expectAll, expectRows, leastAnswerBytes, MeasurementError } from './check-answers.ts'
import { putLoad } from './load/load.ts'
import type { LoadResult } from './load/load-request.ts'
import { cpuSeconds, othersCpuSeconds } from './usage.ts'
import type { World } from './world.ts'

/** The results of one case under one load. */
export interface Measurement {
  readonly case: CaseName
  readonly connections: number
  readonly requests: number
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  /**
   * Processor time of the server's process with its threads and children, per request in microseconds; undefined if
   * the system does not report this time.
   */
  readonly cpuUs: number | undefined
  /** The same for PostgreSQL; undefined if the case does not use it. */
  readonly databaseCpuUs: number | undefined
  /**
   * How many cores other programs of the machine used meanwhile. They slow the contenders down. Undefined if the
   * system does not report it.
   */
  readonly othersCores: number | undefined
}

/** Bodies that have not been sent yet. */
interface Stock {
  readonly bodies: readonly (string | Buffer)[]
  readonly madeAt: number
}

/**
 * How long prepared bodies may be kept, in milliseconds: half of the lifetime of a challenge and of an assertion.
 */
const STOCK_MS = 150_000
/**
 * The factor by which a measurement prepares more bodies than the last one used. The server may have become faster.
 */
const SPARE = 1.5
const FIRST_GUESS = 4_000
const SAMPLES = 16
const ATTEMPTS = 4

/** Measures cases of a world, and keeps prepared bodies that were not used. */
export interface Meter {
  /** Prepares the bodies of a measurement. */
  prepare(name: CaseName, seconds: number): Promise<void>
  /** @throws MeasurementError unless every answer was as expected */
  measure(name: CaseName, connections: number, seconds: number): Promise<Measurement>
}

/** Creates a meter without prepared bodies. */
export function createMeter(world: World): Meter {
  const stocks = new Map<CaseName, Stock>()
  const rates = new Map<CaseName, number>()
  const prepare = async (name: CaseName, seconds: number): Promise<readonly (string | Buffer)[]> => {
    const kind: Case = CASES[name]
    const wanted = kind.once ? Math.ceil((rates.get(name) ?? FIRST_GUESS) * SPARE * seconds) + 2 * SAMPLES : 0
    const stock = kind.perishable ? undefined : stocks.get(name)
    const isFresh = stock !== undefined && Date.now() - stock.madeAt < STOCK_MS
    const left = isFresh ? stock.bodies : []
    if (left.length > 0 && left.length >= wanted) return left
    const madeAt = isFresh && kind.once ? stock.madeAt : Date.now()
    const bodies = [...left, ...(await kind.bodies(world, wanted - left.length))]
    stocks.set(name, { bodies, madeAt })
    return bodies
  }
  const attempt = async (name: CaseName, connections: number, seconds: number): Promise<Measurement | undefined> => {
    const kind: Case = CASES[name]
    const all = await prepare(name, seconds)
    const [samples, bodies] = kind.once ? [all.slice(0, SAMPLES), all.slice(SAMPLES)] : [all, all]
    const leastBytes = await leastAnswerBytes(kind, targetOf(world, kind).url, samples)
    const { measurement, sent, isExhausted } = await underLoad(world, name, {
      bodies,
      connections,
      seconds,
      leastBytes,
    })
    const known = rates.get(name) ?? 0
    rates.set(name, isExhausted ? 2 * Math.max(known, FIRST_GUESS) : Math.max(known, measurement.perSecond))
    if (kind.once) stocks.set(name, { bodies: bodies.slice(sent), madeAt: stocks.get(name)?.madeAt ?? 0 })
    return isExhausted ? undefined : measurement
  }
  return {
    async prepare(name, seconds) {
      const { perishable }: Case = CASES[name]
      if (!perishable) await prepare(name, seconds)
    },
    async measure(name, connections, seconds) {
      for (let count = 0; count < ATTEMPTS; count += 1) {
        const measurement = await attempt(name, connections, seconds)
        if (measurement !== undefined) return measurement
      }
      throw new MeasurementError(`${name}: too few requests were prepared in every attempt`)
    },
  }
}

interface Load {
  readonly bodies: readonly (string | Buffer)[]
  readonly connections: number
  readonly seconds: number
  readonly leastBytes: number
}

async function underLoad(world: World, name: CaseName, { bodies, connections, seconds, leastBytes }: Load) {
  const { machine, folder } = world
  const kind: Case = CASES[name]
  const { pid, url } = targetOf(world, kind)
  const before = await readUsage(world, kind, pid)
  const result = await putLoad({ ...kind, machine, folder, url, bodies, connections, seconds })
  const after = await readUsage(world, kind, pid)
  if (!result.exhausted || !kind.once) expectAll(name, result, leastBytes)
  if (!result.exhausted) await checkRows(world, name, bodies, result)
  const measurement: Measurement = {
    case: name,
    connections,
    requests: result.requests,
    perSecond: result.requests / result.seconds,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    cpuUs: perUnit(before.server, after.server, result.requests / 1e6),
    databaseCpuUs: perUnit(before.database, after.database, result.requests / 1e6),
    othersCores: perUnit(before.others, after.others, (after.atMs - before.atMs) / 1000),
  }
  return { measurement, sent: result.sent, isExhausted: kind.once && result.exhausted }
}

/** Throws unless every answer to a request that leaves rows has left them. */
async function checkRows(world: World, name: CaseName, bodies: Load['bodies'], result: LoadResult): Promise<void> {
  const { countRows }: Case = CASES[name]
  // Counts only the rows of these bodies, because requests of an earlier load may still be running.
  for (const rows of (await countRows?.(world, bodies.map(String))) ?? []) expectRows(name, result, rows)
}

/** Reads how many processor seconds the server, the database and other programs have used until now. */
async function readUsage({ database }: World, { usesDatabase }: Case, pid: number) {
  return {
    server: await cpuSeconds(pid),
    database: database.pid === undefined || !usesDatabase ? undefined : await cpuSeconds(database.pid),
    others: await othersCpuSeconds(),
    atMs: performance.now(),
  }
}

function perUnit(from: number | undefined, to: number | undefined, units: number): number | undefined {
  return from === undefined || to === undefined ? undefined : (to - from) / units
}

function targetOf(world: World, { title, target }: Case): { readonly pid: number; readonly url: string } {
  const found = target(world)
  if (found === undefined) throw new RangeError(`No contender can do this: ${title}`)
  return found
}
