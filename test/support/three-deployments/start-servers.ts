import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createKeyFile } from '@auth4agent/sdk/node'
import { startEmbeddedPostgres } from '../../../services/embedded-postgres/start.ts'
import { createDataFolder } from '../data-folder.ts'
import { createNeighbourhood, type Zone } from '../federation/neighbourhood.ts'
import { choosePort } from '../free-port.ts'
import { type Environment, type RunningServer, startProcess } from '../server.ts'
import { runSql, siblingUrl } from '../sql.ts'
import { CAST, type DeploymentName } from './cast.ts'

/** One of the three deployments. */
export interface ExampleDeployment {
  readonly name: DeploymentName
  /** What the other deployments call it. Only they reach it there. */
  readonly issuer: string
  /** Where a person on this machine reaches it. */
  readonly url: string
  readonly server: RunningServer
  readonly zone: Zone
  readonly adminKeyFile: string
  readonly logFile: string
}

export type ExampleDeployments = Readonly<Record<DeploymentName, ExampleDeployment>>

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Starts three deployments, each with its own database, keys and administrator. Everything ends with `started`. */
export async function startServers(
  started: AsyncDisposableStack,
  folder: string,
  settings: Environment,
): Promise<{ readonly deployments: ExampleDeployments; readonly failed: Promise<never> }> {
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  const onLost = (reason: string) => lost.reject(new Error(`PostgreSQL is lost: ${reason}`))
  const data = await createDataFolder()
  started.defer(() => data.remove())
  const postgres = await startEmbeddedPostgres({ dataDir: data.path, log: silent, onLost })
  started.defer(() => postgres.stop())
  const neighbourhood = await createNeighbourhood(started)
  await copyFile(neighbourhood.caFile, join(folder, 'ca.pem'))
  const start = async (name: DeploymentName): Promise<ExampleDeployment> => {
    const { host, port } = CAST[name]
    const issuer = `https://${host}:${await choosePort(port + 3)}`
    const adminKeyFile = join(folder, name, 'admin-key.pem')
    const logFile = join(folder, `${name}.log`)
    await mkdir(join(folder, name), { mode: 0o700 })
    const admin = await createKeyFile(adminKeyFile)
    await runSql(postgres.url, `CREATE DATABASE ${name}`)
    const server = await startProcess({
      env: {
        AUTH4AGENT_RATE_LIMIT_PERCENT: undefined,
        ...settings,
        ...neighbourhood.env,
        PORT: await choosePort(port),
        AUTH4AGENT_GRPC_PORT: await choosePort(port + 1),
        AUTH4AGENT_BASE_URL: issuer,
        DATABASE_URL: siblingUrl(postgres.url, name),
        AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
        AUTH4AGENT_ADMIN_KEY: Buffer.from(admin.publicKey).toString('base64'),
      },
      onLine: logTo(logFile),
    })
    started.defer(async () => void (await server.stop()))
    void server.ended.then((code) => lost.reject(new Error(`${name} ended with status ${code}:\n${server.logs()}`)))
    const front = await neighbourhood.front(new URL(issuer), new URL(server.baseUrl))
    started.defer(() => front.cut())
    const url = server.baseUrl.replace('127.0.0.1', 'localhost')
    return { name, issuer, url, server, zone: neighbourhood.zoneOf(issuer), adminKeyFile, logFile }
  }
  // One after the other: on a small machine three starts at once take longer.
  const deployments = { alpha: await start('alpha'), beta: await start('beta'), gamma: await start('gamma') }
  return { deployments, failed: lost.promise }
}

function logTo(path: string): (line: string) => void {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  return (line) => void file.write(`${line}\n`)
}
