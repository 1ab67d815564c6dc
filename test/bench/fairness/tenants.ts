import { setTimeout as delay } from 'node:timers/promises'
import { ISSUER } from '../../support/deployment.ts'
import type { DnsServer } from '../../support/dns-server.ts'
import {
  type AgentParty,
  type Asserter,
  type Keys,
  newAgentParty,
  newKeys,
  operatorAsserter,
} from '../../support/parties.ts'
import { signedBody } from '../../support/story.ts'
import { type Source, sourceAt } from './client.ts'

/** An operator with its own source address. */
export interface Tenant extends Asserter {
  readonly id: string
  readonly domain: string
  readonly keys: Keys
  /** The agent that gets tokens. */
  readonly agent: AgentParty
  /** The agent that is suspended. */
  readonly suspended: AgentParty
  readonly source: Source
}

/** Registers and proves an operator, and gives it agents. */
export async function createTenant(baseUrl: string, dns: DnsServer, name: string, address: string): Promise<Tenant> {
  const source = sourceAt(baseUrl, address)
  const domain = `${name}.example.com`
  const keys = newKeys()
  const registered = { domain, root_public_key: keys.publicKey.toString('base64') }
  const id = String((await source.expect('POST', '/v1/operators', registered))['id'])
  const record = await source.expect('GET', `/v1/operators/verify/${id}`)
  dns.setTxt(String(record['txt_record_name']), [String(record['txt_record_value'])])
  await source.expect('POST', `/v1/operators/verify/${id}`, {})
  const asserter = operatorAsserter(keys, id, ISSUER)
  const operator = { id, domain, keys, source, ...asserter }
  return { ...operator, agent: await createAgent(operator), suspended: await createAgent(operator) }
}

async function createAgent(operator: Omit<Tenant, 'agent' | 'suspended'>): Promise<AgentParty> {
  const { id, domain, source } = operator
  const agent = newAgentParty(domain)
  const { did, publicKey: agent_public_key } = agent
  await source.expect('POST', `/v1/operators/${id}/agents`, { did, agent_public_key, operator_id: id })
  const scopes = `/v1/operators/${id}/agents/scopes`
  await source.expect('PATCH', scopes, { did, allowed_scopes: ['read'] }, operator.assert(`PATCH ${scopes}`))
  return agent
}

/** Milliseconds of each call of one kind that succeeded, and how many calls failed. */
export interface Times {
  readonly ms: number[]
  failed: number
}

/** A kind of call, and how long a tenant pauses between two calls. The pauses keep it below its own rate limits. */
export interface Kind {
  readonly name: string
  readonly pauseMs: number
  /** Makes one tenant ready. Returns a function that prepares a call, and returns the call whose time counts. */
  readonly begin: (tenant: Tenant) => Promise<() => Promise<() => Promise<unknown>>>
}

const suspension: Kind = {
  name: 'suspension',
  pauseMs: 250,
  async begin(tenant) {
    const { id, suspended, source } = tenant
    const path = (verb: string) => `/v1/operators/${id}/agents/${suspended.did}/${verb}`
    const call = (verb: string) => source.expect('POST', path(verb), {}, tenant.assert(`POST ${path(verb)}`))
    return async () => {
      // The first agent is not suspended yet, and one whose last suspension failed may not be.
      await source.send('POST', path('reactivate'), {}, tenant.assert(`POST ${path('reactivate')}`))
      return () => call('suspend')
    }
  },
}

const challenge = async ({ source, agent }: Tenant) =>
  signedBody(agent, await source.expect('POST', '/v1/challenge', { did: agent.did }))

const token: Kind = {
  name: 'token',
  pauseMs: 150,
  begin: async (tenant) => async () => {
    const body = await challenge(tenant)
    return () => tenant.source.expect('POST', '/v1/token', body)
  },
}

const verification: Kind = {
  name: 'verification',
  pauseMs: 30,
  async begin(tenant) {
    const issued = await tenant.source.expect('POST', '/v1/token', await challenge(tenant))
    return async () => () => tenant.source.expect('POST', '/v1/verify', { token: issued['token'] })
  },
}

export const KINDS: readonly Kind[] = [suspension, token, verification]

/** Lets all tenants make calls of all kinds for a time, one call of each kind at a time. */
export async function measure(
  tenants: readonly Tenant[],
  kinds: readonly Kind[],
  seconds: number,
): Promise<ReadonlyMap<string, Times>> {
  const measured = new Map<string, Times>(kinds.map(({ name }) => [name, { ms: [], failed: 0 }]))
  const end = performance.now() + seconds * 1_000
  const run = async (tenant: Tenant, { name, pauseMs, begin }: Kind) => {
    const times = measured.get(name) ?? { ms: [], failed: 0 }
    const prepare = await begin(tenant)
    while (performance.now() < end) {
      try {
        const call = await prepare()
        const begun = performance.now()
        await call()
        times.ms.push(performance.now() - begun)
      } catch {
        times.failed += 1
      }
      await delay(pauseMs)
    }
  }
  await Promise.all(tenants.flatMap((tenant) => kinds.map((kind) => run(tenant, kind))))
  return measured
}
