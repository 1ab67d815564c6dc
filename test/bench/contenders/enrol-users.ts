import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { KeyVault } from '../../../services/keys/index.ts'
import { userSubject } from '../../../services/people/users/domain/user-subject.ts'
import type { BenchOperator } from './enrol.ts'

/** Consents of users for one client at one audience. */
export interface BenchConsents {
  readonly audience: string
  readonly clientId: string
  readonly redirectUri: string
  readonly clientEdge: string
  /** Ids of the consents, one of each user. */
  readonly ids: readonly string[]
}

const CLIENT_ID = 'https://client.example.com/oauth/client.json'
const REDIRECT_URI = 'https://client.example.com/callback'
const IDP = 'https://idp.example.com'
const SCOPE = { name: 'read', words: 'Read things', groups: [], is_default: true }

const INSERT_AUDIENCE =
  "INSERT INTO operator_audiences (operator_id, audience, callers, users) VALUES ($1, $2, '{}', $3::jsonb)"
const INSERT_CLIENT = `INSERT INTO clients (operator_id, client_id, status, edge_id, name, put_at)
  VALUES ($1, $2, 'allowed', $3, 'Client', now())`
const INSERT_PROVIDER = `INSERT INTO identity_providers (id, operator_id, name, issuer, client_id, wrapped_secret, kek_id,
    auth_method, scopes, subject_claim, required_claims, groups_claim, signals, created_at, updated_at)
  VALUES ($1, $2, 'work', $3, 'auth4agent', $4, $5, 'client_secret_basic', '{openid}', 'sub', '[]', '', 'none', now(), now())
  RETURNING edge_id AS edge`
const INSERT_USERS = `INSERT INTO users (operator_id, subject, provider_id, provider_edge, sub)
  SELECT $1, subject, $2, $3, sub FROM unnest($4::text[], $5::text[]) AS given (subject, sub)`
const INSERT_CONSENTS = `INSERT INTO consents (id, operator_id, subject, client_id, audience, owner_id, capabilities,
    client_digest, given_at)
  SELECT id, $1, subject, $2, $3, $1, ARRAY[$3 || '#read'], '', now()
  FROM unnest($4::uuid[], $5::text[]) AS given (id, subject)`

/**
 * Inserts users of an operator who let one client act for them, with the rows that the operator's policy, sign-ins and
 * consents would leave.
 */
export async function enrolUsers(
  db: Client,
  { id: operatorId, domain }: BenchOperator,
  vault: KeyVault,
  count: number,
): Promise<BenchConsents> {
  const audience = `https://mcp.${domain}/mcp`
  const clientEdge = randomUUID()
  const users = { domains: [domain], scopes: [SCOPE], clients: 'listed', max_days: 30 }
  await db.query(INSERT_AUDIENCE, [operatorId, audience, JSON.stringify(users)])
  await db.query(INSERT_CLIENT, [operatorId, CLIENT_ID, clientEdge])
  const provider = randomUUID()
  const { wrapped, kekId } = vault.seal(Buffer.from('a secret'), { purpose: 'provider', id: provider })
  const inserted = await db.query<{ edge: string }>(INSERT_PROVIDER, [provider, operatorId, IDP, wrapped, kekId])
  const subs = Array.from({ length: count }, (_, index) => `U${index}`)
  const subjects = subs.map((sub) => userSubject({ operatorId, issuer: IDP, tenant: '', claim: 'sub', sub }))
  await db.query(INSERT_USERS, [operatorId, provider, inserted.rows[0]?.edge, subjects, subs])
  const ids = subs.map(() => randomUUID())
  await db.query(INSERT_CONSENTS, [operatorId, CLIENT_ID, audience, ids, subjects])
  return { audience, clientId: CLIENT_ID, redirectUri: REDIRECT_URI, clientEdge, ids }
}
