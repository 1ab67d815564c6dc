import type { CaseName } from '../cases.ts'
import { createMeter } from '../measure.ts'
import { type Memory, memoryOf } from '../usage.ts'
import type { World } from '../world.ts'

/** Memory after a time of full load. */
export interface Endured {
  readonly seconds: number
  readonly ours: Memory | undefined
  readonly peer: Memory | undefined
}

const CONNECTIONS = 32
const PIECE_SECONDS = 10
const OURS: readonly CaseName[] = ['token', 'verify-new', 'verify-seen', 'oauth-token', 'oauth-introspect']
const PEERS: readonly CaseName[] = ['peer-token', 'peer-introspect-secret', 'peer-introspect']

/** Keeps each server under full load for this many seconds, with all its cases in turn. Reads the memory ten times. */
export async function measureEndurance(
  world: World,
  seconds: number,
  tell: (line: string) => void,
): Promise<readonly Endured[]> {
  const meter = createMeter(world)
  const samples: Endured[] = [{ seconds: 0, ...(await read(world)) }]
  const piece = Math.min(PIECE_SECONDS, seconds / 10)
  for (let done = 0; done < seconds; done += piece) {
    const turn = Math.round(done / piece)
    for (const names of [OURS, PEERS]) {
      const name = names[turn % names.length]
      if (name !== undefined) await meter.measure(name, CONNECTIONS, piece)
    }
    samples.push({ seconds: done + piece, ...(await read(world)) })
    tell(`${Math.round(done + piece)} of ${seconds} seconds of load`)
  }
  return samples
}

async function read({ ours, peer }: World): Promise<Pick<Endured, 'ours' | 'peer'>> {
  return { ours: await memoryOf(ours.pid), peer: await memoryOf(peer.pid) }
}
