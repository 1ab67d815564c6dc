import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import { parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import { type KeyChange, signInception, signKeyEvent } from '@auth4agent/core/key-events/sign-key-event'
import type { Client } from 'pg'
import { didOf, newKey, newP256Key } from '../../support/agent-log.ts'
import { ISSUER } from '../../support/deployment.ts'
import type { DnsServer } from '../../support/dns-server.ts'
import { newKeys } from '../../support/parties.ts'
import { enrolAgents, enrolOperators } from '../contenders/enrol.ts'
import { sourceAt } from './client.ts'
import type { Kind, Tenant } from './tenants.ts'

/** Calls that an attacker keeps making: `parallel` at the same time, each at most every `everyMs` milliseconds. */
export interface Flood {
  readonly source: string
  readonly parallel: number
  readonly everyMs?: number
  readonly request?: { readonly method: string; readonly path: string; readonly body?: unknown }
  /** The operator that signs the request, with its key in PEM. */
  readonly signer?: { readonly id: string; readonly key: string }
  /** Gets tokens instead of making a request. */
  readonly token?: { readonly domain: string; readonly key: string; readonly audience: string }
}

/** All floods of an attacker. */
export interface Attack {
  readonly floods: readonly Flood[]
}

/** What an attacker needs to prepare. */
interface Ground {
  readonly baseUrl: string
  readonly dns: DnsServer
  readonly db: Client
  readonly attacker: Tenant
}

/** A way in which one caller may slow others. */
export interface Way {
  readonly name: string
  /** Prepares the attack, on a server without rate limits. */
  readonly prepare: (ground: Ground) => Promise<Attack>
  /** A further kind of calls of the other tenants, if the attack is at these. */
  readonly kind?: Kind
}

const RULES = 64
const KEY_EVENTS = 1_600
const OTHERS_AGENTS = 200_000
const DEAD_SOURCES = 24
const ATTACKER = '198.51.100.1'
const pem = ({ privateKey }: { readonly privateKey: Tenant['keys']['privateKey'] }) =>
  String(privateKey.export({ type: 'pkcs8', format: 'pem' }))

function largePolicy({ domain }: Tenant) {
  const indexes = Array.from({ length: RULES }, (_, index) => index)
  const callers = indexes.map((caller) => `c${caller}.com`)
  return { audiences: indexes.map((n) => ({ audience: `https://a${n}.${domain}`, callers })) }
}

function putPolicies({ attacker }: Ground, body: unknown): Attack {
  const request = { method: 'PUT', path: `/v1/operators/${attacker.id}/policy`, body }
  const signer = { id: attacker.id, key: pem(attacker.keys) }
  return { floods: [{ source: ATTACKER, parallel: 30, request, signer }] }
}

/** Registers an agent of the attacker with a long log. Returns its DID. */
async function longLog({ attacker, baseUrl }: Ground): Promise<string> {
  const key = newKey()
  const did = didOf(key, attacker.domain)
  const source = sourceAt(baseUrl, ATTACKER)
  const inception = await signInception(key, { did, nowS: Date.now() / 1_000 })
  const agent = { did, agent_public_key: Buffer.from(key.publicKey).toString('base64'), inception }
  const path = `/v1/operators/${attacker.id}/agents`
  await source.expect('POST', path, agent, attacker.assert(`POST ${path}`))
  let state = stateAfter(undefined, inception)
  const append = async (change: KeyChange) => {
    const event = await signKeyEvent(key, state, change, Date.now() / 1_000)
    await source.expect('POST', `/v1/agent/${did}/events`, { event })
    state = stateAfter(state, event)
  }
  for (let count = 1; count < KEY_EVENTS; count += 2) {
    const added = newP256Key()
    await append({ type: 'add-key', key: added, label: `key ${count}`, exp: Math.floor(Date.now() / 1_000) + 3_600 })
    await append({ type: 'remove-key', kid: added.kid })
  }
  return did
}

function stateAfter(state: KeyState | undefined, text: string): KeyState {
  const event = parseKeyEvent(text)
  const applied = event.ok ? applyKeyEvent(state, event) : event
  if (!applied.ok) throw new Error(applied.demand)
  return applied.state
}

/** Registers an operator of a source whose domain has a DNS server that does not answer. Returns the operator's id. */
async function deadName({ baseUrl, dns }: Ground, address: string, index: number): Promise<string> {
  const source = sourceAt(baseUrl, address)
  const root_public_key = newKeys().publicKey.toString('base64')
  const domain = `dead${index}.example.com`
  const id = String((await source.expect('POST', '/v1/operators', { domain, root_public_key }))['id'])
  dns.silence(String((await source.expect('GET', `/v1/operators/verify/${id}`))['txt_record_name']))
  return id
}

/** Reading the public graph, below the rate limit of a source. */
const graph: Kind = {
  name: 'graph',
  pauseMs: 1_100,
  begin:
    async ({ source }) =>
    async () =>
    () =>
      source.expect('GET', '/v1/trust/graph'),
}

/** Confirming the own domain, below the rate limit of a source. */
const confirmation: Kind = {
  name: 'confirmation',
  pauseMs: 3_100,
  begin:
    async ({ source, id }) =>
    async () =>
    () =>
      source.expect('POST', `/v1/operators/verify/${id}`, {}),
}

/** All ways, in the order in which they are measured. */
export const WAYS: readonly Way[] = [
  { name: '30 parallel changes of a policy', prepare: async (ground) => putPolicies(ground, { audiences: [] }) },
  {
    name: `30 parallel changes of a policy of ${RULES} × ${RULES}`,
    prepare: async (ground) => putPolicies(ground, largePolicy(ground.attacker)),
  },
  {
    name: `old versions and pages of a log of ${KEY_EVENTS} key events`,
    async prepare(ground) {
      const did = await longLog(ground)
      const paths = [`/1.0/identifiers/${did}?versionId=${KEY_EVENTS / 2}`, `/v1/agent/${did}/events?page_size=500`]
      const floods = ['198.51.100.2', '198.51.100.3'].flatMap((source) =>
        paths.map((path) => ({ source, parallel: 5, everyMs: 500, request: { method: 'GET', path } })),
      )
      return { floods }
    },
  },
  {
    name: `tokens for an audience whose owner has ${RULES} × ${RULES} callers`,
    async prepare(ground) {
      const { attacker, baseUrl, db } = ground
      const path = `/v1/operators/${attacker.id}/policy`
      const policy = largePolicy(attacker)
      await sourceAt(baseUrl, ATTACKER).expect('PUT', path, policy, attacker.assert(`PUT ${path}`))
      const agents = await enrolAgents(db, attacker, 8)
      const audience = policy.audiences[0]?.audience ?? ''
      const floods = agents.map((agent, index) => ({
        source: `198.51.100.${10 + index}`,
        parallel: 1,
        everyMs: 100,
        token: { domain: attacker.domain, key: pem(agent), audience },
      }))
      return { floods }
    },
  },
  {
    name: `lists of agents beside ${OTHERS_AGENTS} agents of others`,
    async prepare({ attacker, db }) {
      await growAgents(db, OTHERS_AGENTS)
      const request = { method: 'GET', path: `/v1/operators/${attacker.id}/agents?page_size=200` }
      const signer = { id: attacker.id, key: pem(attacker.keys) }
      return { floods: [{ source: ATTACKER, parallel: 30, request, signer }] }
    },
  },
  {
    name: '11 parallel readers of the public trust graph from one address',
    prepare: async () => ({
      floods: [{ source: ATTACKER, parallel: 11, request: { method: 'GET', path: '/v1/trust/graph' } }],
    }),
    kind: graph,
  },
  {
    name: `confirmations of names that do not answer from ${DEAD_SOURCES} addresses`,
    async prepare(ground) {
      const sources = Array.from({ length: DEAD_SOURCES }, (_, index) => `198.51.100.${100 + index}`)
      const floods: Flood[] = []
      for (const [index, source] of sources.entries()) {
        const path = `/v1/operators/verify/${await deadName(ground, source, index)}`
        floods.push({ source, parallel: 4, request: { method: 'POST', path, body: {} } })
      }
      return { floods }
    },
    kind: confirmation,
  },
]

/** Inserts agents of operators that nobody measures. */
async function growAgents(db: Client, count: number): Promise<void> {
  const domains = ['large1.example.com', 'large2.example.com', 'large3.example.com', 'large4.example.com']
  for (const { id, domain } of await enrolOperators(db, ISSUER, domains)) {
    await db.query(
      `INSERT INTO agents (id, operator_id, did, status, allowed_scopes, max_delegation_depth, approved_at)
       SELECT gen_random_uuid(), $1, 'did:agent:' || $2 || ':' || lpad(to_hex(n), 32, '0'), 'active', '{read}', 8, now()
       FROM generate_series(1, $3::int) AS n`,
      [id, domain, count / domains.length],
    )
  }
  await db.query('ANALYZE agents')
}
