import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '../certificate-authority.ts'
import { type Deployment, startDeployment } from '../deployment.ts'
import { type DnsServer, startDnsServer } from '../dns-server.ts'
import { freePort } from '../free-port.ts'
import { guardFolder } from '../guardian.ts'
import type { Environment } from '../server.ts'
import { startTlsFront, type TlsFront } from './tls-front.ts'

/** One of several deployments that can reach each other: by https, under the host of its issuer. */
export interface FederatedDeployment extends Deployment {
  readonly issuer: string
  /** The way from the others to this deployment. The test itself does not use it. */
  readonly front: TlsFront
  /** The part of DNS in which operators of this deployment publish their records. */
  readonly zone: Pick<DnsServer, 'setTxt'>
}

interface FederatedOptions {
  readonly instances?: number
  readonly env?: Environment
}

/** Several deployments with one DNS. */
export interface Federation {
  /** Starts a deployment. Its issuer is `https://<host>:<a free port>`. */
  start(host: string, options?: FederatedOptions): Promise<FederatedDeployment>
  /** A certificate for another server, and a free port for it. */
  place(host: string): Promise<{ readonly port: number; readonly cert: string; readonly key: string }>
  /** Stops all deployments. */
  stop(): Promise<void>
}

const NAMES = join(import.meta.dirname, 'names.mjs')

/** Creates an authority and a DNS server for deployments. Their hosts must be under example.net or example.org. */
export async function createFederation(): Promise<Federation> {
  await using started = new AsyncDisposableStack()
  const authority = createAuthority()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const folder = await mkdtemp(join(tmpdir(), 'a4a-federation-'))
  const removed = guardFolder(folder)
  started.defer(async () => {
    await rm(folder, { recursive: true, force: true })
    removed()
  })
  const trusted = join(folder, 'ca.pem')
  await writeFile(trusted, authority.ca)
  const env = {
    NODE_OPTIONS: `--import=${NAMES}`,
    NODE_EXTRA_CA_CERTS: trusted,
    AUTH4AGENT_OUTBOUND_ALLOW: '127.0.0.1',
  }
  const zone = createZone(dns)
  const all = started.move()
  return {
    async start(host, options = {}) {
      const port = await freePort()
      const issuer = `https://${host}:${port}`
      const deployment = await startDeployment({ ...options, env: { ...env, ...options.env }, dns, issuer })
      all.defer(() => deployment.stop())
      const front = await startTlsFront(port, authority.certify(host), new URL(deployment.server.baseUrl))
      all.defer(() => front.cut())
      return { ...deployment, issuer, front, zone: { setTxt: (name, records) => zone.set(name, issuer, records) } }
    },
    place: async (host) => ({ port: await freePort(), ...authority.certify(host) }),
    stop: () => all.disposeAsync(),
  }
}

/** A name may have a record for each issuer. The zone replaces only those of one issuer. */
function createZone(dns: DnsServer) {
  const names = new Map<string, Map<string, Parameters<DnsServer['setTxt']>[1]>>()
  return {
    set(name: string, issuer: string, records: Parameters<DnsServer['setTxt']>[1]): void {
      const byIssuer = names.get(name) ?? new Map<string, typeof records>()
      names.set(name, byIssuer.set(issuer, records))
      dns.setTxt(name, [...byIssuer.values()].flat())
    },
  }
}
