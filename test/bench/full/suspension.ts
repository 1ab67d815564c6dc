import { setTimeout as delay } from 'node:timers/promises'
import { CASES } from '../cases.ts'
import { putLoad } from '../load/load.ts'
import { type Summary, summarise } from '../statistics.ts'
import { tokenBodies } from '../supply.ts'
import type { World } from '../world.ts'

/** Milliseconds from the call to its return. */
export interface Suspensions {
  readonly idle: Summary | undefined
  /** While the server issues as many tokens as it can, some of them for agents of the suspended operator. */
  readonly underLoad: Summary | undefined
}

const CONNECTIONS = 32
const LOAD_SECONDS = 2
const BEFORE_MS = 1000
/** More tokens than any server issues in LOAD_SECONDS. */
const BODIES = 40_000

/** Suspends and reinstates an operator this many times, without and with load. */
export async function measureSuspensions(world: World, times: number): Promise<Suspensions> {
  const { rows } = await world.db.query<{ id: string }>('SELECT id FROM operators ORDER BY domain LIMIT 1')
  const id = rows[0]?.id ?? ''
  const measure = async (): Promise<number> => {
    const begin = performance.now()
    await call(world, `/v1/operators/${id}/suspend`)
    return performance.now() - begin
  }
  const [idle, underLoad]: [number[], number[]] = [[], []]
  for (let count = 0; count < times; count += 1) {
    idle.push(await measure())
    await call(world, `/v1/operators/${id}/reinstate`)
    underLoad.push(await whileIssuing(world, measure))
    await call(world, `/v1/operators/${id}/reinstate`)
  }
  return { idle: summarise(idle), underLoad: summarise(underLoad) }
}

async function whileIssuing<T>(world: World, work: () => Promise<T>): Promise<T> {
  const { machine, folder, ours, agents } = world
  const bodies = await tokenBodies(ours.http, agents, BODIES)
  const url = `${ours.http}/v1/token`
  const request = { ...CASES.token, machine, folder, url, bodies, connections: CONNECTIONS, seconds: LOAD_SECONDS }
  const load = putLoad(request)
  await delay(BEFORE_MS)
  const result = await work()
  // After the suspension the operator's agents are refused, so refusals are not failures here.
  const { exhausted } = await load
  if (exhausted) throw new Error('The load ended too early')
  return result
}

async function call({ ours, installation }: World, path: string): Promise<void> {
  const headers = { authorization: installation.admin.assert(`POST ${path}`), 'content-type': 'application/json' }
  const answer = await fetch(ours.http + path, { method: 'POST', headers, body: '{"reason":"benchmark"}' })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${path} returned ${answer.status}: ${text}`)
}
