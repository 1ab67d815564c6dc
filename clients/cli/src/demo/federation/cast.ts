import { join } from 'node:path'
import {
  type Administrator,
  type Agent,
  type AgentOptions,
  createAdministrator,
  createAgent,
  createOperator,
  createTransport,
  type OpenCalls,
  type Operator,
  openCalls,
} from '@auth4agent/sdk'
import { loadSigner, readAgentConfig, readKeyFile, readOperatorConfig } from '@auth4agent/sdk/node'
import { CliError } from '../../cli-error.ts'

/** One of three deployments. People here call it by its letter. */
export interface Home {
  readonly letter: 'A' | 'B' | 'C'
  readonly issuer: string
  readonly server: string
  readonly calls: OpenCalls
}

/** An operator with its root key, at its deployment. */
export interface FederatedOperator {
  readonly operator: Operator
  readonly domain: string
  readonly home: Home
  /** The audience of its API. */
  readonly audience: string
}

/** Everybody in the worked example. */
export interface FederationCast {
  readonly a: Home
  readonly b: Home
  readonly c: Home
  readonly acme: FederatedOperator
  readonly bolt: FederatedOperator
  readonly cargo: FederatedOperator
  readonly dock: FederatedOperator
  readonly guild: FederatedOperator
  readonly hall: FederatedOperator
  /** Agents of these operators. */
  readonly agents: { readonly acme: Agent; readonly bolt: Agent; readonly cargo: Agent }
  /** Opens the agent of acme so that its fetch gets tokens of B. Requests are sent with `fetch`. */
  readonly openAbroad: (fetch: typeof globalThis.fetch) => Promise<Agent>
  /** The administrator of B. */
  readonly administrator: Administrator
}

const RUN_FIRST = {
  reason: 'CONFIGURATION',
  exit: 'configuration',
  hint: 'Start three deployments in a checkout, and leave them running: `npm run cluster -- --deployments 3`. Then run the demo there in a second shell.',
} as const

/** Opens the parties whose keys `npm run cluster -- --deployments 3` has left in a folder. Throws CliError. */
export async function openCast(folder: string, fetch: typeof globalThis.fetch): Promise<FederationCast> {
  const homes = new Map<string, Home>()
  const homeOf = (letter: Home['letter'], server: string, issuer: string): Home => {
    const home = homes.get(letter) ?? { letter, server, issuer, calls: openCalls({ server, fetch }) }
    homes.set(letter, home)
    return home
  }
  const open = async (letter: Home['letter'], name: string): Promise<FederatedOperator> => {
    const own = join(folder, name)
    const config = await readOperatorConfig(own)
    if (config === undefined) throw new CliError(`There is no operator in ${own}`, RUN_FIRST)
    const { id: operatorId, domain, server_url: server, issuer = server } = config
    const operator = createOperator({ server, issuer, operatorId, domain, key: await loadSigner(own, config), fetch })
    return { operator, domain, home: homeOf(letter, server, issuer), audience: `https://api.${domain}/v1` }
  }
  const [acme, bolt] = [await open('A', 'acme'), await open('A', 'bolt')]
  const [cargo, dock] = [await open('B', 'cargo'), await open('B', 'dock')]
  const [guild, hall] = [await open('C', 'guild'), await open('C', 'hall')]
  const [a, b, c] = [acme.home, cargo.home, guild.home]
  const agents = {
    acme: await openAgent(folder, 'acme', acme.home, { fetch }),
    bolt: await openAgent(folder, 'bolt', bolt.home, { fetch }),
    cargo: await openAgent(folder, 'cargo', cargo.home, { fetch }),
  }
  const openAbroad: FederationCast['openAbroad'] = (routed) =>
    openAgent(folder, 'acme', acme.home, { fetch: routed, scopes: ['orders:read'], otherDeployments: [b.issuer] })
  const key = await readKeyFile(join(folder, 'beta', 'admin-key.pem'))
  const administrator = createAdministrator({ server: b.server, issuer: b.issuer, key, fetch })
  return { a, b, c, acme, bolt, cargo, dock, guild, hall, agents, openAbroad, administrator }
}

async function openAgent(
  folder: string,
  name: string,
  { server, issuer }: Home,
  options: Pick<AgentOptions, 'fetch' | 'scopes' | 'otherDeployments'>,
): Promise<Agent> {
  const own = join(folder, name)
  const config = await readAgentConfig(own)
  if (config === undefined) throw new CliError(`There is no agent in ${own}`, RUN_FIRST)
  return createAgent({ ...options, server, issuer, did: config.did, key: await loadSigner(own, config) })
}

/** Rejects with CliError unless the deployments answer. */
export async function expectHomes({ a, b, c }: FederationCast, fetch: typeof globalThis.fetch): Promise<void> {
  for (const { letter, server } of [a, b, c]) {
    const send = createTransport({ server, fetch })
    await send({ method: 'GET', path: '/.well-known/auth4agent' }).catch(() => {
      const what = `The deployment ${letter} does not answer at ${server}`
      throw new CliError(what, { ...RUN_FIRST, reason: 'NETWORK_ERROR', exit: 'unreachable' })
    })
  }
}
