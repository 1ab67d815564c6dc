import { inject } from 'vitest'
import { trustAuthority } from '../certificate-authority.ts'
import { type Deployment, startDeployment } from '../deployment.ts'
import { freePort } from '../free-port.ts'
import type { Environment } from '../server.ts'
import { installNames } from './install-names.mjs'
import { createNeighbourhood, type Neighbourhood, type Zone } from './neighbourhood.ts'
import type { TlsFront } from './tls-front.ts'

/** One of several deployments that can reach each other: by https, under the host of its issuer. */
export interface FederatedDeployment extends Deployment {
  readonly issuer: string
  /** The way from the others to this deployment. The test itself does not use it. */
  readonly front: TlsFront
  readonly zone: Zone
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

/** Creates an authority and a DNS server for deployments. Their hosts must be under example.net or example.org. */
export async function createFederation(): Promise<Federation> {
  await using started = new AsyncDisposableStack()
  const neighbourhood = await createNeighbourhood(started)
  const { dns } = neighbourhood
  const surroundings = inject('mode') === 'inside' ? joinInside(started, neighbourhood) : neighbourhood.env
  const all = started.move()
  return {
    async start(host, options = {}) {
      const issuer = `https://${host}:${await freePort()}`
      const env = { ...surroundings, ...options.env }
      const deployment = await startDeployment({ ...options, env, dns, issuer })
      all.defer(() => deployment.stop())
      const front = await neighbourhood.front(new URL(issuer), new URL(deployment.server.baseUrl))
      all.defer(() => front.cut())
      return { ...deployment, issuer, front, zone: neighbourhood.zoneOf(issuer) }
    },
    place: async (host) => ({ port: await freePort(), ...neighbourhood.certify(host) }),
    stop: () => all.disposeAsync(),
  }
}

/** Lets servers inside this process reach the others. Returns their settings. */
function joinInside(started: AsyncDisposableStack, { env, ca }: Neighbourhood): Environment {
  const { NODE_OPTIONS: _names, NODE_EXTRA_CA_CERTS: _authority, ...settings } = env
  trustAuthority(started, ca)
  started.defer(installNames())
  return settings
}
