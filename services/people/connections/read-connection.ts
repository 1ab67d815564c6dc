import type pg from 'pg'
import type { StandingOf } from '../access/standing.ts'

/** A client, as the user has agreed to it. */
export interface KnownClient {
  readonly clientId: string
  /** How the client authenticates to which the user has consented. */
  readonly clientAuth: string
  /** Digest of the client document to which the user has consented. */
  readonly clientDigest: string
}

/** A consent, as the token endpoint needs it. */
export interface KnownConsent extends StandingOf, KnownClient {
  readonly consentId: string
}

/** A connection with its consent. */
export interface KnownConnection extends KnownConsent {
  readonly scopes: readonly string[]
  /** Thumbprint of the key to which the connection is bound; empty for none. */
  readonly jkt: string
  /** Edge of the client when the connection began. */
  readonly clientEdge: string
  /** When the identity provider vouched for the user, and when the connection expires, in Unix seconds. */
  readonly vouchedAtS: number
  readonly expiresAt: number
  /** Whether it comes from a device code. */
  readonly isDevice: boolean
}

const CONSENT = `s.id::text AS "consentId", s.operator_id::text AS "operatorId", s.subject, s.client_id AS "clientId",
  s.audience, s.client_auth AS "clientAuth", s.client_digest AS "clientDigest"`

/** Finds a consent by its id. Reads the primary. */
export async function readConsent(pool: pg.Pool, id: string): Promise<KnownConsent | undefined> {
  const text = `SELECT ${CONSENT} FROM consents s WHERE s.id = $1`
  return (await pool.query<KnownConsent>({ name: 'read-consent', text, values: [id] })).rows[0]
}

/** Finds a connection by its id. Reads the primary. */
export async function readConnection(pool: pg.Pool, id: string): Promise<KnownConnection | undefined> {
  const text = `SELECT ${CONSENT}, x.scopes, x.jkt, x.client_edge::text AS "clientEdge",
      floor(extract(epoch FROM x.vouched_at))::float8 AS "vouchedAtS",
      floor(extract(epoch FROM x.expires_at))::float8 AS "expiresAt", x.is_device AS "isDevice"
    FROM connections x JOIN consents s ON s.id = x.consent_id WHERE x.id = $1`
  return (await pool.query<KnownConnection>({ name: 'read-connection', text, values: [id] })).rows[0]
}

/** Finds the id of the connection among the edges of a token. Reads the primary. */
export async function findConnectionIn(pool: pg.Pool, edges: readonly string[]): Promise<string | undefined> {
  const text = 'SELECT id::text FROM connections WHERE id = ANY ($1::uuid[])'
  return (await pool.query<{ id: string }>({ name: 'find-connection', text, values: [edges] })).rows[0]?.id
}
