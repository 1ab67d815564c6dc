import { CASES, type CaseName } from './cases.ts'
import { type CryptoCost, measureCrypto } from './crypto.ts'
import { createMeter, type Measurement } from './measure.ts'
import type { Options } from './options.ts'
import type { World } from './world.ts'

/** A case with a number of connections. */
export interface Load {
  readonly case: CaseName
  readonly connections: number
}

/** The measurements of one round. */
export interface Round {
  readonly crypto: CryptoCost
  readonly measurements: readonly Measurement[]
}

const NAMES = Object.keys(CASES).filter((name): name is CaseName => name in CASES)
const CRYPTO_MS = 200
/** Latencies of few connections need less time than rates. */
const SHORTER = 2 / 3
const THROUGHPUT_CONNECTIONS = 32
/**
 * The warm-up is this many times as long as a measurement. V8 needs about 15 seconds to compile hot code, and does
 * this on the server's own core.
 */
const WARM_UP = 4

/**
 * Measures all loads in each round. Neighbours in the table of cases are measured one right after the other, and every
 * second round is in reverse order. So no contender has an advantage if the machine becomes slower or faster.
 */
export async function measureRounds(
  world: World,
  loads: readonly Load[],
  { rounds, seconds }: Pick<Options, 'rounds' | 'seconds'>,
  tell: (line: string) => void,
): Promise<readonly Round[]> {
  const meter = createMeter(world)
  const order = NAMES.filter((name) => loads.some((load) => load.case === name))
  const groups = [...new Set(loads.map(({ connections }) => connections))].toSorted((one, other) => other - one)
  tell('warming up')
  for (const name of order) await meter.measure(name, mostConnections(loads, name), WARM_UP * seconds)
  const measured: Round[] = []
  for (let index = 0; index < rounds; index += 1) {
    const turn = index % 2 === 0 ? order : order.toReversed()
    const measurements: Measurement[] = []
    const crypto = await measureCrypto(world.machine, Math.min(CRYPTO_MS, seconds * 1000))
    for (const connections of groups) {
      const forSeconds = connections >= THROUGHPUT_CONNECTIONS ? seconds : seconds * SHORTER
      const names = turn.filter((name) => loads.some((load) => load.case === name && load.connections === connections))
      for (const name of names) await meter.prepare(name, forSeconds)
      for (const name of names) measurements.push(await meter.measure(name, connections, forSeconds))
    }
    measured.push({ crypto, measurements })
    tell(`round ${index + 1} of ${rounds}: ${measurements.map(inShort).join(', ')}`)
  }
  return measured
}

function mostConnections(loads: readonly Load[], name: CaseName): number {
  return Math.max(...loads.filter((load) => load.case === name).map(({ connections }) => connections))
}

function inShort({ case: name, connections, perSecond }: Measurement): string {
  return `${name}@${connections} ${Math.round(perSecond)}/s`
}
