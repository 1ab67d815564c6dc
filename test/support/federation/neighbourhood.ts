import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '../certificate-authority.ts'
import { type DnsServer, startDnsServer } from '../dns-server.ts'
import { guardFolder } from '../guardian.ts'
import type { Environment } from '../server.ts'
import { startTlsFront, type TlsFront } from './tls-front.ts'

/** The part of DNS in which operators of one deployment publish their records. */
export type Zone = Pick<DnsServer, 'setTxt'>

/** A DNS server and an authority that all trust, so that deployments on this machine reach each other by https. */
export interface Neighbourhood {
  /** The settings with which a server reaches the others. */
  readonly env: Environment
  readonly dns: DnsServer
  /** The certificate of the authority, and the file with it. */
  readonly ca: string
  readonly caFile: string
  /** Creates a certificate for a host. */
  certify(host: string): { readonly cert: string; readonly key: string }
  /** Lets a server be reached at its issuer, whose host is under example.net or example.org. */
  front(issuer: URL, server: URL): Promise<TlsFront>
  zoneOf(issuer: string): Zone
}

const NAMES = join(import.meta.dirname, 'names.mjs')

/** Starts the DNS server and creates the authority. Everything ends with `started`. */
export async function createNeighbourhood(started: AsyncDisposableStack): Promise<Neighbourhood> {
  const authority = createAuthority()
  const dns = await startDnsServer()
  started.defer(() => dns.close())
  const folder = await mkdtemp(join(tmpdir(), 'a4a-federation-'))
  const removed = guardFolder(folder)
  started.defer(async () => {
    await rm(folder, { recursive: true, force: true })
    removed()
  })
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, authority.ca)
  const setTxt = createZone(dns)
  return {
    env: {
      NODE_OPTIONS: `--import=${NAMES}`,
      NODE_EXTRA_CA_CERTS: caFile,
      AUTH4AGENT_DNS_SERVERS: dns.address,
      AUTH4AGENT_OUTBOUND_ALLOW: '127.0.0.1',
    },
    dns,
    ca: authority.ca,
    caFile,
    certify: (host) => authority.certify(host),
    front: (issuer, server) => startTlsFront(Number(issuer.port), authority.certify(issuer.hostname), server),
    zoneOf: (issuer) => ({ setTxt: (name, records) => setTxt(name, issuer, records) }),
  }
}

/** A name may have a record for each issuer. The zone replaces only those of one issuer. */
function createZone(dns: DnsServer) {
  const names = new Map<string, Map<string, Parameters<DnsServer['setTxt']>[1]>>()
  return (name: string, issuer: string, records: Parameters<DnsServer['setTxt']>[1]): void => {
    const byIssuer = names.get(name) ?? new Map<string, typeof records>()
    names.set(name, byIssuer.set(issuer, records))
    dns.setTxt(name, [...byIssuer.values()].flat())
  }
}
