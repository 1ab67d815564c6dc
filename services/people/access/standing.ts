import { parseAudience } from '@auth4agent/core/token/audience'
import type pg from 'pg'
import { listParentDomains, selectOwner } from '../../operator-registry/index.ts'
import { IS_CHECK_DUE } from '../store/provider-tokens.ts'
import type { Standing } from './domain/standing.ts'

/** Of whom a standing is read: a user, a client, and an audience. */
export interface StandingOf {
  readonly operatorId: string
  readonly subject: string
  readonly clientId: string
  readonly audience: string
}

/**
 * Joins everything on which a token for a user rests, as SQL. `t` has operator_id, subject, client_id, audience and
 * domains, which are the host of the audience and the domains that cover it. A client that is an agent is the one of
 * the operator that owns the domain of its DID now.
 */
export const JOIN_STANDING = `
LEFT JOIN operators o ON o.id = t.operator_id
LEFT JOIN users u ON u.operator_id = o.id AND u.subject = t.subject
LEFT JOIN identity_providers p ON p.id = u.provider_id AND p.operator_id = o.id AND p.edge_id = u.provider_edge
LEFT JOIN LATERAL (${selectOwner('t.domains')}) w ON true
LEFT JOIN operators ow ON ow.id = w.id
LEFT JOIN operator_audiences a ON a.operator_id = w.id AND a.audience = t.audience
LEFT JOIN operator_audience_access e ON e.operator_id = w.id AND e.audience = t.audience AND e.ended_at IS NULL
LEFT JOIN operator_user_targets g ON g.operator_id = o.id AND g.domain = ow.domain AND g.ended_at IS NULL
LEFT JOIN clients c ON c.operator_id = w.id AND c.client_id = t.client_id
LEFT JOIN consents s ON s.operator_id = o.id AND s.subject = t.subject AND s.client_id = t.client_id
  AND s.audience = t.audience AND s.owner_id = w.id
LEFT JOIN issuers i ON i.issuer = p.issuer
LEFT JOIN LATERAL (${selectOwner("ARRAY[split_part(t.client_id, ':', 3)]")}) wn ON t.client_id LIKE 'did:agent:%'
LEFT JOIN operators no ON no.id = wn.id
LEFT JOIN agents n ON n.operator_id = no.id AND n.did = t.client_id`

/** The values of a standing that no edge, epoch, status or version in its mark stands for. */
const DIGEST = `encode(sha256(convert_to(ROW(o.domain, u.groups, p.issuer, p.on_logout, s.id, s.capabilities,
  s.client_digest, n.status, n.moved_to, n.redirect_uris, no.status)::text, 'UTF8')), 'base64')`

/**
 * What a standing was made of, as one text: the same text means the same decision, however old it is. The timeline is
 * in it because a promoted standby may have given the same versions to other changes.
 */
export const STANDING_MARK = `concat_ws(' ', (SELECT wal_timeline()), o.status, o.version, u.status, u.epoch, u.version,
  p.edge_id, p.signals, w.id, w.version, ow.status, e.edge_id, g.edge_id, c.edge_id, c.status, s.edge_id, i.generation, i.status,
  n.id, n.version, no.id, no.version, coalesce(${IS_CHECK_DUE}, false), ${DIGEST})`

const READ = `
SELECT ${STANDING_MARK} AS mark, o.status::text AS "operatorStatus", o.domain AS "userDomain",
  u.status::text AS "userStatus", u.groups,
  p.edge_id::text AS "providerEdge", p.issuer AS "providerIssuer", p.signals,
  p.on_logout AS "onLogout", coalesce(${IS_CHECK_DUE}, false) AS "isCheckDue",
  w.id::text AS "ownerId", ow.domain AS "ownerDomain", ow.status::text AS "ownerStatus", a.users AS rule,
  a.token_signing_alg AS alg, a.dpop, a.token_status AS "tokenStatus",
  e.edge_id::text AS "accessEdge", g.edge_id::text AS "targetEdge",
  c.edge_id::text AS "clientEdge", c.status::text AS "clientStatus",
  s.id::text AS "consentId", s.edge_id::text AS "consentEdge", s.capabilities, s.client_digest AS "clientDigest",
  i.generation, i.status::text AS "issuerStatus",
  CASE WHEN n.id IS NOT NULL THEN json_build_object('id', n.id, 'version', n.version, 'status', n.status,
    'movedTo', n.moved_to, 'redirectUris', n.redirect_uris, 'operatorId', no.id, 'operatorVersion', no.version,
    'operatorStatus', no.status) END AS agent
FROM (SELECT $1::uuid AS operator_id, $2::text AS subject, $3::text AS client_id, $4::text AS audience,
  $5::text[] AS domains) t ${JOIN_STANDING}`

/** Reads everything on which a token for a user rests, from the primary and in one snapshot. */
export async function readStanding(pool: pg.Pool, of: StandingOf): Promise<Standing> {
  const { rows } = await pool.query<Standing>({ name: 'read-standing', text: READ, values: valuesOf(of) })
  const [row] = rows
  if (row === undefined) throw new Error('The statement read-standing returned no row')
  return row
}

/** The parameters of a statement with the columns that JOIN_STANDING wants. */
export function valuesOf({ operatorId, subject, clientId, audience }: StandingOf): unknown[] {
  return [operatorId, subject, clientId, audience, listParentDomains(parseAudience(audience)?.host ?? '')]
}
