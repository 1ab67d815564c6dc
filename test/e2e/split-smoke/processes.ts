import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ServiceName } from '../../../services/configuration/service-names.ts'
import { type Authority, createAuthority } from '../../support/certificate-authority.ts'
import { testDatabase } from '../../support/database.ts'
import { ISSUER } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import { freePort } from '../../support/free-port.ts'
import { guard } from '../../support/guardian.ts'
import { newKeys } from '../../support/parties.ts'
import { PATIENCE_MS } from '../../support/until.ts'

/** A process of a split deployment. */
export interface Process {
  readonly services: readonly ServiceName[]
  readonly baseUrl: string
  /** Set for a process that runs the gateway. */
  readonly grpcAddress: string
  readonly internalAddress: string
  /** Path of the certificate files, without `.pem` and `.key`. */
  readonly certificate: string
  readonly pid: number
  logs(): string
  /** Sends the signal and returns the exit status. */
  end(signal: NodeJS.Signals): Promise<number | null>
  /** Starts the process again at the same addresses. */
  restart(): Promise<void>
}

/** The database, the DNS server and the other things that all processes of a split deployment share. */
export interface Split {
  readonly dns: DnsServer
  readonly authority: Authority
  readonly folder: string
  /** Starts a process. Other processes find this process at the addresses that were planned for its parts. */
  start(services: readonly ServiceName[], options?: StartOptions): Promise<Process>
  stop(): Promise<void>
}

interface StartOptions {
  /** The index of the planned address at which the process listens. */
  readonly instance?: number
  readonly env?: Readonly<Record<string, string>>
  /** The names in the certificate of the process, if they are not the names of its parts. */
  readonly names?: readonly string[]
}

const at = (port: number) => `127.0.0.1:${port}`
const ROOT = join(import.meta.dirname, '../../..')
const CALLED = ['operator-registry', 'identity', 'authn', 'revocation'] as const

/** Prepares a database, DNS, a certificate authority and `instances` addresses of each part. */
export async function prepareSplit(instances = 1): Promise<Split> {
  await using started = new AsyncDisposableStack()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const { url, drop } = await testDatabase()
  started.defer(drop)
  const folder = await mkdtemp(join(tmpdir(), 'a4a-split-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const authority = createAuthority()
  await writeFile(join(folder, 'ca.pem'), authority.ca)
  const ports = new Map<ServiceName, number[]>()
  for (const name of CALLED) ports.set(name, await Promise.all(Array.from({ length: instances }, () => freePort())))
  const env: Record<string, string> = {
    DATABASE_URL: url,
    AUTH4AGENT_KEK: randomBytes(32).toString('base64'),
    AUTH4AGENT_ADMIN_KEY: newKeys().publicKey.toString('base64'),
    AUTH4AGENT_BASE_URL: ISSUER,
    AUTH4AGENT_DNS_SERVERS: dns.address,
    AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000',
    AUTH4AGENT_INTERNAL_TLS_CA_FILE: join(folder, 'ca.pem'),
    AUTH4AGENT_DB_POOL_SIZE: '3',
  }
  for (const name of CALLED) {
    const list = ports.get(name)?.map((port) => `127.0.0.1:${port}`)
    env[`AUTH4AGENT_${name.toUpperCase().replace('-', '_')}_ADDRESSES`] = list?.join(',') ?? ''
  }
  const all = started.move()
  let count = 0
  return {
    dns,
    authority,
    folder,
    async start(services, { instance = 0, names = services, env: extra = {} } = {}) {
      count += 1
      const certificate = join(folder, `process-${count}`)
      await writeCertificate(certificate, authority, names)
      const owned = services.find((name) => name !== 'jwks-gateway')
      const internalPort = owned === undefined ? await freePort() : (ports.get(owned)?.[instance] ?? 0)
      const [port, grpcPort] = await Promise.all([freePort(), freePort()])
      const process = await startProcess(services, {
        ...env,
        PORT: String(port),
        AUTH4AGENT_GRPC_PORT: String(grpcPort),
        AUTH4AGENT_INTERNAL_PORT: String(internalPort),
        AUTH4AGENT_INTERNAL_TLS_CERT_FILE: `${certificate}.pem`,
        AUTH4AGENT_INTERNAL_TLS_KEY_FILE: `${certificate}.key`,
        ...extra,
      })
      all.defer(async () => void (await process.end('SIGTERM')))
      return {
        ...process,
        get pid() {
          return process.pid
        },
        services,
        certificate,
        baseUrl: `http://${at(port)}`,
        grpcAddress: at(grpcPort),
        internalAddress: at(internalPort),
      }
    },
    stop: () => all.disposeAsync(),
  }
}

/** Writes a certificate with these names and its key. */
async function writeCertificate(path: string, authority: Authority, names: readonly string[]): Promise<void> {
  const { cert, key } = authority.certify(...names)
  await writeFile(`${path}.key`, key)
  await writeFile(`${path}.pem`, cert)
}

/** Starts `services/main.ts` with these arguments and only this environment. Rejects if it ends before it listens. */
async function startProcess(services: readonly string[], env: Readonly<Record<string, string>>) {
  const lines: string[] = []
  let child = await launch(services, env, lines)
  return {
    get pid() {
      return child.pid ?? 0
    },
    logs: () => lines.join('\n'),
    async end(signal: NodeJS.Signals): Promise<number | null> {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const exited = once(child, 'exit')
      child.kill(signal)
      const cut = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      const [code] = await exited
      clearTimeout(cut)
      return code
    },
    async restart() {
      child = await launch(services, env, lines)
    },
  }
}

async function launch(services: readonly string[], env: Readonly<Record<string, string>>, lines: string[]) {
  const { PATH, HOME } = process.env
  const child: ChildProcess = spawn(process.execPath, ['services/main.ts', ...services], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  guard(child, 'SIGTERM')
  const listening = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (line.includes('"msg":"listening"')) listening.resolve()
    })
  }
  child.once('close', (code) =>
    listening.reject(new Error(`The process ended with status ${code}:\n${lines.join('\n')}`)),
  )
  await listening.promise
  return child
}
