import type pg from 'pg'
import { importKeys, type KeyRow, type KnownDomain, type KnownIssuer } from './known-issuer.ts'

/** Reads through a pool, or through a client that holds a transaction. */
export type Queries = Pick<pg.Pool, 'query'>

interface Row extends Omit<KnownIssuer, 'keys' | 'domains'> {
  readonly keys: readonly KeyRow[]
  readonly domains: readonly KnownDomain[]
}

const UNIX_MS = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`

/** One row for each issuer, with its keys and domains as they are in one snapshot. */
const ISSUERS = `
SELECT i.id::text, i.issuer, i.kind::text AS kind, i.status = 'enabled' AS "isEnabled", i.algorithms,
  i.token_type AS "tokenType", i.revocation_mode::text AS mode, coalesce(i.introspection_uri, '') AS "introspectionUri",
  coalesce(i.status_list_uri, '') AS "statusListUri",
  coalesce(i.acts_as, '') AS "actsAs", i.max_token_ttl AS "maxTokenTtlS", i.max_staleness_ms AS "maxStalenessMs",
  i.generation, coalesce(extract(epoch FROM i.accepted_from), 0)::float8 AS "acceptedFromS",
  ${UNIX_MS('i.keys_as_of')} AS "keysAsOf",
  CASE WHEN i.anchor IS NOT NULL THEN coalesce(${UNIX_MS('c.expires_at')}, 0) END AS "validUntil",
  CASE WHEN i.anchor IS NOT NULL THEN coalesce(${UNIX_MS('c.refresh_at')}, 0) END AS "chainDueAt",
  (SELECT coalesce(json_agg(json_build_object('kid', k.kid, 'alg', k.alg, 'jwk', k.public_jwk, 'thumbprint', k.thumbprint)), '[]')
    FROM issuer_keys k WHERE k.issuer_id = i.id AND k.absent_since IS NULL AND k.withdrawn_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM issuer_ended_keys e WHERE e.issuer_id = k.issuer_id AND e.kid = k.kid)) AS keys,
  (SELECT coalesce(json_agg(json_build_object('domain', d.domain, 'edgeId', d.edge_id, 'operatorId', d.operator_id,
      'provenAt', ${UNIX_MS('d.proven_at')})), '[]')
    FROM issuer_domains d WHERE d.issuer_id = i.id) AS domains
FROM issuers i LEFT JOIN trust_chains c ON c.subject = i.issuer AND c.anchor_id = i.anchor
WHERE $1::text IS NULL OR i.issuer = $1`

/** Reads all issuers, or only the one with this text, and reuses the imported keys of `before`. */
export async function readIssuers(
  queries: Queries,
  only: string | undefined,
  before: ReadonlyMap<string, KnownIssuer> = new Map(),
): Promise<ReadonlyMap<string, KnownIssuer>> {
  const { rows } = await queries.query<Row>({ name: 'trust-issuers', text: ISSUERS, values: [only ?? null] })
  return new Map(
    rows.map(({ keys, domains, keysAsOf, validUntil, chainDueAt, ...row }) => {
      const known: KnownIssuer = {
        ...row,
        keysAsOf: keysAsOf ?? undefined,
        validUntil: validUntil ?? undefined,
        chainDueAt: chainDueAt ?? undefined,
        keys: importKeys(keys, row.kind, before.get(row.issuer)?.keys),
        domains: new Map(
          domains.map(({ provenAt, ...rest }) => [rest.domain, { ...rest, provenAt: provenAt ?? undefined }]),
        ),
      }
      return [row.issuer, known]
    }),
  )
}
