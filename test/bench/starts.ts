import { setTimeout as delay } from 'node:timers/promises'
import { startAuth4Agent } from './contenders/auth4agent.ts'
import { startPeer } from './contenders/peer.ts'
import type { ContenderProcess } from './contenders/process.ts'
import { type Memory, memoryOf, threadSeconds } from './usage.ts'
import type { World } from './world.ts'

/** One start of each server, which then gets no requests except the first. */
export interface StartRound {
  readonly ours: Start
  readonly peer: Start
}

/** One start. */
interface Start {
  /** Milliseconds from the start of the process to its first answer, the published keys. */
  readonly ms: number
  /** The memory after the server has been idle for a while. */
  readonly memory: Memory | undefined
  /** Processor time that the server takes while it is idle, in percent of a core. */
  readonly idlePercent: number | undefined
}

/** For how many times the pause before memory is read an idle server's processor time is measured. */
const IDLE_PAUSES = 10

/** Starts both servers this many times, in turn, while the database is up and all others are idle. */
export async function measureStarts(world: World, rounds: number, idleMs: number): Promise<readonly StartRound[]> {
  const { machine, folder, installation, agents } = world
  const measured: StartRound[] = []
  for (let round = 0; round < rounds; round += 1) {
    const ours = await measureStart(() => startAuth4Agent(installation), idleMs)
    const peer = await measureStart(() => startPeer(machine, folder, agents.slice(0, 1)), idleMs)
    measured.push({ ours, peer })
  }
  return measured
}

async function measureStart(start: () => Promise<ContenderProcess>, idleMs: number): Promise<Start> {
  const server = await start()
  try {
    await delay(idleMs)
    const memory = await memoryOf(server.pid)
    return { ms: server.startMs, memory, idlePercent: await idlePercent(server.pid, IDLE_PAUSES * idleMs) }
  } finally {
    await server.stop()
  }
}

async function idlePercent(pid: number, forMs: number): Promise<number | undefined> {
  const [before, from] = [await threadSeconds(pid), performance.now()]
  await delay(forMs)
  const [after, until] = [await threadSeconds(pid), performance.now()]
  return before === undefined || after === undefined ? undefined : ((after - before) * 100_000) / (until - from)
}
