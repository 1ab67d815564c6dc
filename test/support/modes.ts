import { inject } from 'vitest'
import { SERVICE_NAMES } from '../../services/configuration/service-names.ts'
import { canRunInside, startInside } from './inside.ts'
import { type Places, socketPlaces, tlsPlaces } from './places.ts'
import { CLUSTER, type Counts, type Processes, recordOf, startAnother, startProcesses } from './processes.ts'
import { type Environment, type RunningProcess, type RunningServer, startServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    mode: Mode
  }
}

/**
 * How the parts of a deployment are spread over processes. `inside`: the process of the test runs servers with all
 * parts. `one`: each process runs all parts. `split`: each part runs in its own process, and processes call each other
 * over unix sockets without TLS. `cluster`: two or more processes run each part and call each other over TCP and
 * mutual TLS.
 */
export type Mode = 'inside' | 'one' | 'split' | 'cluster'

/** A server, and the process that runs the authn part for it. */
interface Way {
  readonly server: RunningServer
  readonly authn: RunningProcess
}

/** A running deployment. */
interface Running {
  readonly processes: Processes
  readonly add: (started: AsyncDisposableStack, env: Environment) => Promise<Way>
  readonly verifiers: (started: AsyncDisposableStack) => Promise<readonly Way[]>
}

type Start = (started: AsyncDisposableStack, instances: number, env: Environment) => Promise<Running>

/** Starts this many instances in each mode. Everything ends with `started`. */
export const startMode: Readonly<Record<Mode, Start>> = {
  inside: (...options) => startWhole(insideIfPossible, ...options),
  one: (...options) => startWhole(startServer, ...options),
  split: async (started, instances, env) => startApart(started, await socketPlaces(), env, splitCounts(instances)),
  cluster: async (started, instances, env) => startApart(started, await tlsPlaces(), env, clusterCounts(instances)),
}

/**
 * Returns the number of processes in split mode. An instance is one gateway and one authn process. One process of each
 * other part is enough for every test.
 */
const splitCounts = (instances: number): Counts => ({
  'operator-registry': 1,
  identity: 1,
  revocation: 1,
  authn: instances,
  'jwks-gateway': instances,
})

const clusterCounts = (instances: number): Counts => ({ ...CLUSTER, 'jwks-gateway': Math.max(2, instances) })

/** Starts a server with all parts: inside this process if the run's mode is `inside` and the settings allow it. */
export function startAll(env: Environment): Promise<RunningServer> {
  return inject('mode') === 'inside' ? insideIfPossible(env) : startServer(env)
}

function insideIfPossible(env: Environment): Promise<RunningServer> {
  return canRunInside(env) ? startInside(env) : startServer(env)
}

async function startWhole(
  startOne: typeof startServer,
  started: AsyncDisposableStack,
  instances: number,
  env: Environment,
): Promise<Running> {
  const starts = await Promise.allSettled(Array.from({ length: instances }, () => startOne(env)))
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  started.defer(async () => void (await Promise.all(servers.map((server) => server.stop()))))
  const failure = starts.find((start) => start.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return {
    processes: recordOf(SERVICE_NAMES, () => servers),
    async add(stack, settings) {
      const server = await startOne({ ...env, ...settings })
      stack.defer(async () => void (await server.stop()))
      return { server, authn: server }
    },
    verifiers: async () => servers.map((server) => ({ server, authn: server })),
  }
}

async function startApart(
  started: AsyncDisposableStack,
  places: Places,
  env: Environment,
  counts: Counts,
): Promise<Running> {
  started.defer(() => places.remove())
  const processes = await startProcesses(started, { counts, places, env })
  const wayTo = async (stack: AsyncDisposableStack, authn: RunningProcess): Promise<Way> => {
    const server = await startAnother(stack, { places, env }, 'jwks-gateway', { ...processes, authn: [authn] })
    return { server, authn }
  }
  return {
    processes,
    async add(stack, settings) {
      return wayTo(stack, await startAnother(stack, { places, env: { ...env, ...settings } }, 'authn', processes))
    },
    verifiers: (stack) => Promise.all(processes.authn.map((authn) => wayTo(stack, authn))),
  }
}
