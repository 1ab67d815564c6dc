import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createRandom, type Random } from '../../simulation/revocation/random.ts'
import type { Environment } from '../../support/server.ts'
import { type Load, startLoad } from '../clients/load.ts'
import { checkHistory, countHistory, isEnough, type Minimums } from '../history/check-history.ts'
import { createRecorder, type History, type Recorder } from '../history/history.ts'
import { acknowledgedRevocations } from '../history/revocations.ts'
import { conclude } from './conclude.ts'
import { enrol, type Fleet, type FleetOptions, startFleet } from './fleet.ts'

/** The tools with which a scenario breaks and repairs something under load. */
interface Scene {
  readonly fleet: Fleet
  readonly load: Load
  readonly random: Random
  /** Breaks and repairs something, and records it in the history. */
  readonly fault: Recorder['fault']
  /** Waits while the load runs. */
  readonly wait: (ms: number) => Promise<void>
  /** Repeats a step for the length of a run. On a slow machine it repeats longer, until enough has happened. */
  readonly repeat: (once: () => Promise<void>) => Promise<void>
}

/** The fleet's settings and the things around it that a scenario needs. */
export interface World {
  readonly databaseUrl: string
  readonly fleet: Omit<FleetOptions, 'env'> & { readonly env?: Environment }
}

/** One kind of fault under load, and the conditions for its result. */
export interface Scenario {
  readonly name: string
  /** Starts what the processes need. Everything it starts ends with `started`. */
  readonly world: (started: AsyncDisposableStack) => Promise<World & { readonly act: (scene: Scene) => Promise<void> }>
  /** Time for what is not the run itself, in milliseconds, if it differs from the usual one. */
  readonly overheadMs?: number
  /** Minimums that differ from the usual ones. */
  readonly minimums?: Partial<Minimums>
}

const USUAL: Minimums = {
  revocations: 20,
  revocationsDuringFaults: 6,
  verifications: 150,
  verificationsDuringFaults: 30,
}

/** The length of a run: short enough for many scenarios. FAULT_SECONDS changes it. */
const DURATION_MS = Number(process.env['FAULT_SECONDS'] ?? 2) * 1_000
export const IS_LONG = DURATION_MS > 10_000
/**
 * The modes to test. A long run tests whole processes and split services. A short run tests only split services, where
 * more can go wrong.
 */
export const APART: readonly boolean[] = IS_LONG ? [false, true] : [true]
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 1_000_000))
/** If too little happens, a run lasts up to this many times the usual length. */
const MOST = 8
/** Time for starting, recovering and the calls after the recovery. */
const OVERHEAD_MS = 90_000
/** A short lease, so that many leases fit into a short run. */
export const LEASE_MS = 400

const wait = (ms: number): Promise<void> => delay(ms)

/** Defines a test of a scenario. `FAULT_SEED` repeats the choices of another run. */
export function itKeepsItsPromises({ name, world, overheadMs = OVERHEAD_MS, ...scenario }: Scenario): void {
  const minimums = { ...USUAL, ...scenario.minimums }
  it(name, { timeout: MOST * DURATION_MS + overheadMs }, async () => {
    const started = new AsyncDisposableStack()
    // This also runs when the test times out.
    onTestFinished(() => started.disposeAsync())
    const { databaseUrl, fleet: options, act } = await world(started)
    const env = {
      DATABASE_URL: databaseUrl,
      AUTH4AGENT_REVOCATION_LEASE: `${LEASE_MS}ms`,
      AUTH4AGENT_REQUEST_TIMEOUT: '3s',
      ...options.env,
    }
    const fleet = await startFleet({ ...options, env })
    started.defer(() => fleet.stop())
    const { parties, operators } = await enrol(fleet)
    const recorder = createRecorder(() => performance.now())
    const load = startLoad({ seed: SEED, recorder, endpoints: fleet.endpoints, parties, operators, admin: fleet.admin })
    started.defer(() => load.stop())
    const random = createRandom(SEED)
    await wait(500)
    const begin = performance.now()
    const isOver = () => {
      const took = performance.now() - begin
      return took > DURATION_MS && (took > MOST * DURATION_MS || isEnough(recorder, minimums))
    }
    const repeat: Scene['repeat'] = async (once) => {
      do {
        await once()
        await wait(random.between(200, 800))
      } while (!isOver())
    }
    await act({ fleet, load, random, fault: recorder.fault, wait, repeat })
    await load.stop()
    const history = await conclude({ fleet, load, parties, databaseUrl })
    report(name, history)
    const broken = [
      ...checkHistory(history, minimums),
      ...fleet.processes.flatMap(({ ownEnds }) => ownEnds),
      ...fleet.processes.flatMap(({ name: of, process }) =>
        internalFaults(process.logs()).map((line) => `${of}: ${line}`),
      ),
    ]
    expect(broken.slice(0, 20), `FAULT_SEED=${SEED}: ${broken.length} violations`).toEqual([])
  })
}

/** Lists log lines about internal errors of the server. A dependency that is down is not an internal error. */
function internalFaults(logs: string): string[] {
  return logs.split('\n').filter((line) => line.includes('"reason":"INTERNAL"') && line.includes('"error"'))
}

function report(name: string, history: History): void {
  const { revocations, revocationsDuringFaults, verifications, verificationsDuringFaults, unknown } =
    countHistory(history)
  const took = acknowledgedRevocations(history.operations)
    .map(({ begin, acknowledged }) => acknowledged - begin)
    .toSorted((one, other) => one - other)
  const at = (share: number) => `${took[Math.floor(took.length * share)]?.toFixed(1)} ms`
  const fromMemory = history.afterwards.reduce((sum, process) => sum + (process.fromMemory ?? 0), 0)
  process.stdout.write(
    `${name}: FAULT_SEED=${SEED}; ${revocations} revocations (${revocationsDuringFaults} during faults), ` +
      `p50 ${at(0.5)}, p99 ${at(0.99)}; ${verifications} verifications (${verificationsDuringFaults} during faults); ` +
      `${unknown} calls without an answer; ${fromMemory} answers from memory afterwards\n`,
  )
}
