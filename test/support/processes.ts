import {
  ADDRESSES,
  type CalledService,
  remoteServices,
  SERVICE_NAMES,
  type ServiceName,
} from '../../services/configuration/service-names.ts'
import type { Place, Places } from './places.ts'
import {
  type Environment,
  type ProcessOptions,
  type RunningProcess,
  type RunningServer,
  startProcess,
} from './server.ts'
import { until } from './until.ts'

/** The processes of a deployment by the part that they run. */
export type Processes = Readonly<Record<CalledService, readonly RunningProcess[]>> & {
  readonly 'jwks-gateway': readonly RunningServer[]
}

/** The number of processes of each part. */
export type Counts = Readonly<Record<ServiceName, number>>

/** Two processes of each part, so one of them is left when the other ends. */
export const CLUSTER: Counts = { 'operator-registry': 2, identity: 2, authn: 2, revocation: 2, 'jwks-gateway': 2 }

/** Options of startProcesses. */
export interface ProcessesOptions {
  readonly counts: Counts
  readonly places: Places
  /** Settings of all processes. Only processes that seal with the key-encryption key get this key. */
  readonly env: Environment
  /** Returns settings of one process, and a function that receives its log lines. */
  readonly each?: (service: ServiceName, index: number) => Partial<Pick<ProcessOptions, 'env' | 'onLine'>>
}

/** A process to start. */
interface Start {
  readonly service: ServiceName
  readonly index: number
  readonly place: Place
}

type Addresses = Readonly<Record<CalledService, readonly string[]>>

/**
 * Starts a process for each part and index, all at the same time. Resolves when each process has found the processes
 * that it calls. The processes end with `started`, even if some of them fail to start.
 */
export async function startProcesses(started: AsyncDisposableStack, options: ProcessesOptions): Promise<Processes> {
  const starts = await plan(options)
  const addresses = addressesOf(starts)
  const settled = await Promise.allSettled(
    starts.map(async (start) => ({ start, process: await startOne(options, start, addresses) })),
  )
  const running = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  started.defer(async () => void (await Promise.all(running.map(({ process }) => process.stop()))))
  const failure = settled.find((each) => each.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  await Promise.all(running.map(({ process }) => isReady(process)))
  const by = (name: ServiceName) => running.filter(({ start }) => start.service === name).map(({ process }) => process)
  return recordOf(SERVICE_NAMES, by)
}

/** Starts another process, which calls the running processes. Resolves when it has found them. Ends with `started`. */
export async function startAnother(
  started: AsyncDisposableStack,
  { places, env, each }: Omit<ProcessesOptions, 'counts'>,
  service: ServiceName,
  processes: Processes,
): Promise<RunningServer> {
  const options = { places, env, ...(each && { each }) }
  const addresses = recordOf(CALLED, (name) => processes[name].map(({ internalAddress }) => String(internalAddress)))
  const start = { service, index: processes[service].length, place: await places.next(service) }
  const process = await startOne(options, start, addresses)
  started.defer(async () => void (await process.stop()))
  await isReady(process)
  return process
}

/** Returns a record with a value for each key. */
export function recordOf<K extends string, V>(keys: readonly K[], valueOf: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<K, V>
}

const CALLED = SERVICE_NAMES.filter((name) => name !== 'jwks-gateway')

async function plan({ counts, places }: ProcessesOptions): Promise<readonly Start[]> {
  const starts: Start[] = []
  for (const service of SERVICE_NAMES) {
    for (let index = 0; index < counts[service]; index += 1)
      starts.push({ service, index, place: await places.next(service) })
  }
  return starts
}

function addressesOf(starts: readonly Start[]): Addresses {
  const of = (name: CalledService) => starts.filter(({ service }) => service === name).map(({ place }) => place.address)
  return recordOf(CALLED, of)
}

function startOne(
  { places, env, each }: Omit<ProcessesOptions, 'counts'>,
  { service, index, place }: Start,
  addresses: Addresses,
): Promise<RunningServer> {
  const { AUTH4AGENT_KEK: kek, ...shared } = env
  const called = remoteServices([service]).map((name) => [ADDRESSES[name], addresses[name].join(',')])
  const own = each?.(service, index)
  return startProcess({
    ...own,
    services: [service],
    env: {
      ...shared,
      ...(service === 'authn' && { AUTH4AGENT_KEK: kek }),
      ...(service !== 'jwks-gateway' && place.settings),
      ...places.settings(service),
      ...Object.fromEntries(called),
      ...own?.env,
    },
  })
}

async function isReady({ baseUrl }: RunningProcess): Promise<void> {
  await until(
    async () => {
      const response = await fetch(`${baseUrl}/ready`)
      return { status: response.status, body: await response.text() }
    },
    ({ status }) => status === 200,
  )
}
