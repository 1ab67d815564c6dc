import pg from 'pg'
import type { Asserter } from './parties.ts'
import type { Answer, Json, ProtocolClient } from './protocol-client.ts'
import type { Environment } from './server.ts'
import { expectStatus, type OperatorParty } from './story.ts'

/** The algorithms with which tokens are signed. */
export const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'RS256'] as const

/** An algorithm with which tokens are signed. */
export type Algorithm = (typeof ALGORITHMS)[number]

/** What a key signs, and its algorithm. Each kind has its own active key and its own reserve. */
export type Kind = Pick<ListedKey, 'purpose' | 'alg'>

/** The kinds of signing keys of a deployment. */
export const KINDS: readonly Kind[] = [
  ...ALGORITHMS.map((alg) => ({ purpose: 'access_token', alg })),
  { purpose: 'introspection', alg: 'EdDSA' },
  { purpose: 'grant', alg: 'Ed25519' },
  { purpose: 'federation', alg: 'ES256' },
  { purpose: 'security_event', alg: 'RS256' },
]

/** The kinds whose keys the JWKS has. */
export const JWKS_KINDS = KINDS.filter(({ purpose }) => purpose !== 'federation' && purpose !== 'security_event')

/** Tells whether a key is of a kind. */
export function isOf({ purpose, alg }: Kind, key: Kind): boolean {
  return key.purpose === purpose && key.alg === alg
}

/**
 * Settings with which a key may sign two seconds after its creation. One second is for copies of the JWKS, one is for
 * the memory from which a server serves the JWKS, and there is no clock skew.
 */
export const QUICK_KEYS: Environment = {
  AUTH4AGENT_JWKS_MAX_AGE: '1s',
  AUTH4AGENT_CLOCK_SKEW: '0s',
  AUTH4AGENT_SCHEDULE_INTERVAL: '1s',
}

/** A signing key as the administrator sees it. */
export interface ListedKey {
  readonly kid: string
  readonly purpose: string
  readonly alg: string
  readonly state: string
  readonly created_at: string
  /** When the key is ready to sign. Only prepared keys have this member. */
  readonly ready_at?: string
  readonly compromised_at?: string
  readonly held_by: string
  readonly kek_id: string
}

/** The administrator's list of all keys. */
export interface KeyList {
  readonly keys: readonly ListedKey[]
  readonly kek_id: string
  readonly sealed_under_others: number
}

/** The result of a rotation, or why it was refused. */
interface Rotated {
  readonly reason?: string
  readonly active: readonly ListedKey[]
  readonly retiring: readonly ListedKey[]
}

/** A JWKS as it is published. */
export interface KeySet {
  readonly keys: readonly (Json & { readonly kid: string })[]
}

/** The administrator's calls about keys, over REST on one server. */
export type KeysAdmin = ReturnType<typeof keysAdmin>

/** Creates the administrator's calls for a server. */
export function keysAdmin(client: ProtocolClient, admin: Asserter) {
  const post = (path: string, body: Json): Promise<Answer> => client.signed('POST', path, body, admin)
  return {
    list: async () => expectStatus(200, await client.get<KeyList>('/v1/keys', admin)),
    rotate: (wish: { readonly alg?: Algorithm; readonly kid?: string } = {}) =>
      client.signed<Rotated>('POST', '/v1/keys/rotate', { ...wish, reason: 'it is time' }, admin),
    compromise: (kid: string, force = false) =>
      post(`/v1/keys/${kid}/compromise`, { force, reason: 'it was in a backup' }),
    import: (key: string, alg = '') => post('/v1/keys/import', { key, alg, reason: 'it is ours' }),
  }
}

/** Returns the body of a rotation that succeeded. */
export function rotated(answer: Answer<Rotated>): Rotated {
  return expectStatus(200, answer)
}

/** Fetches the published keys. */
async function keySet(client: ProtocolClient): Promise<KeySet> {
  return expectStatus(200, await client.get<KeySet>('/.well-known/jwks.json'))
}

/** Fetches the ids of the published keys. */
export async function publishedKids(client: ProtocolClient): Promise<readonly string[]> {
  return (await keySet(client)).keys.map(({ kid }) => kid)
}

/** Returns the key that signs tokens of an algorithm. */
export function activeOf({ keys }: KeyList, alg: Algorithm): ListedKey | undefined {
  return keys.find((key) => isOf({ purpose: 'access_token', alg }, key) && key.state === 'active')
}

/** Returns the header of a token. */
export function headerOf(token: string): { readonly alg: string; readonly kid: string } {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
}

/**
 * Returns the audience under an operator's domain for which `chooseAlgorithms` chooses this algorithm.
 */
export function audienceOf(alg: Algorithm, { domain }: OperatorParty): string {
  return `${alg.toLowerCase()}.${domain}`
}

/** Lets an operator choose a different algorithm for each of its audiences. */
export async function chooseAlgorithms(client: ProtocolClient, operator: OperatorParty): Promise<void> {
  const audiences = ALGORITHMS.map((alg) => ({
    audience: audienceOf(alg, operator),
    callers: [],
    token_signing_alg: alg,
  }))
  expectStatus(200, await client.signed('PUT', `/v1/operators/${operator.id}/policy`, { audiences }, operator))
}

/** The database row of a key, without the private half. */
export interface KeyRow {
  readonly kid: string
  readonly purpose: string
  readonly alg: string
  readonly state: string
  readonly kek_id: string | null
}

/** Reads the rows of the signing keys, oldest first. */
export async function readKeyRows(db: pg.Client): Promise<readonly KeyRow[]> {
  const { rows } = await db.query<KeyRow>(
    'SELECT kid, purpose::text, alg, state::text, kek_id FROM jwks_keys ORDER BY created_at, kid',
  )
  return rows
}

/** Reads from the audit what was done with each key, in order: `key.create`, `key.activate` and so on. */
export async function readKeyAudit(db: pg.Client): Promise<Readonly<Record<string, readonly string[]>>> {
  const { rows } = await db.query<{ kid: string; actions: string[] }>(
    `SELECT subject AS kid, array_agg(action ORDER BY id) AS actions FROM audit_logs
     WHERE action LIKE 'key.%' AND outcome = 'done' GROUP BY subject`,
  )
  return Object.fromEntries(rows.map(({ kid, actions }) => [kid, actions]))
}

/** Opens a connection to a database that ends with `started`. */
export async function connectTo(started: AsyncDisposableStack, databaseUrl: string): Promise<pg.Client> {
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  started.defer(() => db.end())
  return db
}
