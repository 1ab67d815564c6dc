import { setTimeout as delay } from 'node:timers/promises'
import { startAuth4Agent } from './contenders/auth4agent.ts'
import { startPeer } from './contenders/peer.ts'
import type { ContenderProcess } from './contenders/process.ts'
import { type Memory, memoryOf } from './usage.ts'
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
}

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
    return { ms: server.startMs, memory: await memoryOf(server.pid) }
  } finally {
    await server.stop()
  }
}
