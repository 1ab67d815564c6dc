import { connect } from 'node:http2'
import { CASES, type Case, type CaseName, isValidVerdict } from './cases.ts'
import { countIssued } from './contenders/database.ts'
import { callGrpc } from './load/call-grpc.ts'
import { type LoadResult, putLoad } from './load/load.ts'
import { postAll } from './load/post-all.ts'
import { cpuSeconds } from './usage.ts'
import type { World } from './world.ts'

/** What one case did under one load. */
export interface Measurement {
  readonly case: CaseName
  readonly connections: number
  readonly requests: number
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  /** Processor time of the server's process, all its threads and children, per request; undefined where the system does not tell. */
  readonly cpuUs: number | undefined
  /** The same of PostgreSQL, where it has a part. */
  readonly databaseCpuUs: number | undefined
}

/** Bodies that have not been sent yet. */
interface Stock {
  readonly bodies: readonly (string | Buffer)[]
  readonly madeAt: number
}

/** A challenge lives for five minutes. */
const STOCK_MS = 150_000
/** More than was ever sent, for a server that has become faster. */
const SPARE = 1.5
const FIRST_GUESS = 4_000
const SAMPLES = 16
/** A time in an answer may be a little shorter than in another. */
const BYTES_THAT_VARY = 24
const ATTEMPTS = 4

/** A case whose answers were not all as they should be. */
export class MeasurementError extends Error {}

/** Measures cases of a world; keeps what was prepared and not used. */
export interface Meter {
  /** Prepares what a measurement will send. */
  prepare(name: CaseName, seconds: number): Promise<void>
  /** @throws MeasurementError unless every answer was the expected one. */
  measure(name: CaseName, connections: number, seconds: number): Promise<Measurement>
}

/** A meter without stock. */
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
    const leastBytes = await leastAnswerBytes(world, kind, samples)
    const { measurement, sent, isExhausted } = await underLoad(world, name, {
      bodies,
      connections,
      seconds,
      leastBytes,
    })
    rates.set(name, Math.max(rates.get(name) ?? 0, measurement.perSecond))
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
      throw new MeasurementError(`${name}: there were never enough requests to send`)
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
  const { machine, folder, database } = world
  const kind: Case = CASES[name]
  const { pid, url } = targetOf(world, kind)
  const readCpu = async () => ({
    server: await cpuSeconds(pid),
    database: database.pid === undefined || !kind.usesDatabase ? undefined : await cpuSeconds(database.pid),
  })
  const issuedBefore = kind.issues && (await countIssued(world.db))
  const before = await readCpu()
  const result = await putLoad({ ...kind, machine, folder, url, bodies: bodies.map(Buffer.from), connections, seconds })
  const after = await readCpu()
  if (!result.exhausted || !kind.once) expectAll(name, result, leastBytes)
  if (issuedBefore && !result.exhausted) {
    const { redeemed, audited } = await countIssued(world.db)
    expectRows(name, result, redeemed - issuedBefore.redeemed)
    expectRows(name, result, audited - issuedBefore.audited)
  }
  const perRequest = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : ((to - from) * 1e6) / result.requests
  const measurement: Measurement = {
    case: name,
    connections,
    requests: result.requests,
    perSecond: result.requests / result.seconds,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    cpuUs: perRequest(before.server, after.server),
    databaseCpuUs: perRequest(before.database, after.database),
  }
  return { measurement, sent: result.sent, isExhausted: kind.once && result.exhausted }
}

/** Asks for a few answers, checks what they say, and tells how long the shortest is: one that refuses is shorter. */
async function leastAnswerBytes(world: World, kind: Case, samples: readonly (string | Buffer)[]): Promise<number> {
  const { url } = targetOf(world, kind)
  const { contentType } = kind
  if (kind.protocol === 'grpc') return leastGrpcBytes(url, contentType, samples)
  const answers = await postAll({ url, contentType, bodies: samples.map(String) })
  const wrong = answers.find(({ body }) => !body.includes(kind.expects))
  if (wrong !== undefined) throw new MeasurementError(`${kind.title}: an answer was ${wrong.body}`)
  return Math.min(...answers.map(({ bytes }) => bytes)) - BYTES_THAT_VARY
}

async function leastGrpcBytes(
  url: string,
  contentType: string,
  [sample = '']: readonly (string | Buffer)[],
): Promise<number> {
  const { origin, pathname } = new URL(url)
  const session = connect(origin)
  const answer = await callGrpc(session, { path: pathname, contentType, body: Buffer.from(sample) })
  session.close()
  if (answer === undefined || !isValidVerdict(answer)) throw new MeasurementError('a gRPC verification was refused')
  return answer.length - BYTES_THAT_VARY
}

function expectAll(name: CaseName, { requests, failures, bytes }: LoadResult, leastBytes: number): void {
  if (requests === 0) throw new MeasurementError(`${name}: no answer came`)
  if (failures > 0) throw new MeasurementError(`${name}: ${failures} of ${requests} requests were not answered 200`)
  if (bytes < requests * leastBytes)
    throw new MeasurementError(`${name}: answers have ${bytes / requests} bytes, ${leastBytes} at least were expected`)
}

/** Each answer is a row, and so may be each request that was under way at the end. */
function expectRows(name: CaseName, { requests, sent }: LoadResult, rows: number): void {
  if (rows < requests || rows > sent) throw new MeasurementError(`${name}: ${requests} answers left ${rows} rows`)
}

function targetOf(world: World, { title, target }: Case): { readonly pid: number; readonly url: string } {
  const found = target(world)
  if (found === undefined) throw new RangeError(`nobody can do this: ${title}`)
  return found
}
