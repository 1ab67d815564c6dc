import { resolve } from 'node:path'
import { whenParentEnds } from '../../services/process/parent.ts'
import { type Cluster, listOf, startCluster } from './cluster.ts'
import { createDataFolder } from './data-folder.ts'
import type { Environment } from './server.ts'
import { type RunningExample, runExample } from './three-deployments/run.ts'

/**
 * `npm run cluster`: runs a whole deployment on this machine until Ctrl-C. Its data is in AUTH4AGENT_DATA_DIR, or in a
 * temporary folder that is removed at the end. Each server gets the other AUTH4AGENT_ settings.
 *
 * `npm run cluster -- --deployments 3`: runs three small deployments that trust each other.
 */

const { AUTH4AGENT_DATA_DIR: chosenFolder, ...others } = process.env
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const stopping = askedToStop()
await using started = new AsyncDisposableStack()
try {
  const begin = isForThree(process.argv.slice(2)) ? startThree : startOne
  const start = begin()
  const running = await Promise.race([start, stopping.then(() => undefined)])
  if (running === undefined) await start.catch(() => undefined)
  else {
    print(running.welcome)
    await Promise.race([stopping, running.failed])
  }
  print('Stopping …')
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

/** Returns whether the arguments ask for three deployments. Throws for any others. */
function isForThree(args: readonly string[]): boolean {
  if (args.length === 0) return false
  if (/^--deployments[= ]3$/.test(args.join(' '))) return true
  throw new Error('Usage: npm run cluster [-- --deployments 3]')
}

async function startOne(): Promise<RunningExample> {
  print('Starting two gateways, two processes of each other part, three NATS nodes and PostgreSQL …')
  const folder = chosenFolder === undefined ? await temporaryFolder(started) : resolve(chosenFolder)
  const cluster = await startCluster(started, folder, serverSettings(others))
  return { welcome: welcome(cluster, folder), failed: cluster.supervise(print) }
}

function startThree(): Promise<RunningExample> {
  print('Starting three deployments. Their operators prove domains, sign statements and read those of others …')
  return runExample(started, resolve(chosenFolder ?? 'data', 'federation'), serverSettings(others), print)
}

/**
 * Resolves at the first signal, or when the npm that started this process ends: npm may end without passing a signal.
 */
function askedToStop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // At Ctrl-C, the terminal and npm both send a signal. The second one must not end this process before all have
  // stopped.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve())
  if (process.env['npm_lifecycle_event'] !== undefined) whenParentEnds(resolve)
  return promise
}

/** Creates a folder that is removed at the end. */
async function temporaryFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await createDataFolder()
  stack.defer(() => folder.remove())
  return folder.path
}

function serverSettings(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('AUTH4AGENT_')))
}

function welcome({ issuer, processes, nats, postgres, adminKeyFile, logFolder }: Cluster, folder: string): string {
  const [first, second] = processes['jwks-gateway'].map(({ baseUrl }) => baseUrl.replace('127.0.0.1', 'localhost'))
  const gateways = processes['jwks-gateway'].map(({ baseUrl, grpcAddress }, index) => {
    const [rest, grpc] = [baseUrl, grpcAddress].map((address) => address.replace('127.0.0.1', 'localhost'))
    return `  gateway ${index + 1}  REST ${rest}   gRPC ${grpc}`
  })
  const pids = listOf(processes).map(
    ({ name, process: { pid, baseUrl } }) => `    ${name.padEnd(20)} ${String(pid).padEnd(8)} ${baseUrl}/metrics`,
  )
  const buses = nats.nodes.map(
    ({ pid, url }, index) => `    ${`nats-${index + 1}`.padEnd(20)} ${String(pid).padEnd(8)} ${url}`,
  )
  const authn = processes.authn[0]?.pid
  return [
    '',
    'An Auth4Agent cluster is running. Its processes call each other over mutual TLS.',
    '',
    `  issuer     ${issuer}`,
    ...gateways,
    `  admin key  ${adminKeyFile}`,
    `  data       ${folder}`,
    `  logs       ${logFolder}`,
    '',
    '    process              pid      metrics, or address',
    ...pids,
    ...buses,
    `    ${'postgres'.padEnd(20)} ${postgres.pid}`,
    '',
    'Try:',
    `  is it up?                  curl ${first}/ready; curl ${second}/ready`,
    `  one set of keys            curl ${first}/.well-known/jwks.json; curl ${second}/.well-known/jwks.json`,
    `  logs of all processes      tail -f ${logFolder}/*.log`,
    `  metrics of revocations     curl -s ${processes.authn[0]?.baseUrl}/metrics | grep revocation`,
    `  a crash                    kill -9 ${authn}   (the cluster restarts it; the other processes keep working)`,
    `  a restart without loss     kill ${authn}`,
    '  domains                    are proven by DNS here; AUTH4AGENT_DNS_SERVERS chooses the resolvers',
    '  stop                       Ctrl-C',
    '',
  ].join('\n')
}
