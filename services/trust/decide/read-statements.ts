import type { Queries } from '../issuers/read-issuers.ts'
import type { GraphEdgeKind, TrustEdge } from './paths/trust-edge.ts'

/** Who signed a statement, and what must stay true for it to count. */
export interface Source {
  readonly signerId: string
  /** The signer's epoch when the statement was read: here, or at its own deployment. */
  readonly epoch: number
  /** The issuer of the signer's deployment; undefined for an operator of this deployment. */
  readonly issuer: string | undefined
  /** The edge that this issuer speaks for the signer's domain; undefined for an operator of this deployment. */
  readonly domainEdge: string | undefined
}

/** An operator that a statement names. */
export interface Party {
  readonly operatorId: string
  readonly domain: string
  readonly home: string
}

/** A statement that counts now. */
export interface StatementRow extends TrustEdge, Source {
  readonly kind: Exclude<GraphEdgeKind, 'caller'>
  readonly signer: Party
  readonly subject: Party
}

/**
 * The text that names an operator in the graph. A domain owner may write any operator id into its DNS record, so the
 * id of a foreign operator counts only together with issuer and domain.
 */
const node = (home: string, domain: string, id: string) =>
  `CASE WHEN ${home} = d.issuer THEN ${id}::text ELSE concat_ws(' ', ${home}, ${domain}, ${id}) END`

/** The nodes of a statement `s` at the deployment `d`, as SQL. */
export const FROM_NODE = node('s.home', 's.domain', 's.signer_id')
export const TO_NODE = `CASE WHEN s.kind = 'chains-to' THEN s.subject_home
  ELSE ${node('s.subject_home', 's.subject_domain', 's.subject_id')} END`
/** The two parties of a statement `s`, as SQL. */
export const PARTIES = `
  json_build_object('operatorId', s.signer_id, 'domain', s.domain, 'home', s.home) AS signer,
  json_build_object('operatorId', s.subject_id, 'domain', s.subject_domain, 'home', s.subject_home) AS subject`

/** Returns the text that names an operator of another deployment in the graph. */
export function foreignNode(home: string, domain: string, operatorId: string): string {
  return `${home} ${domain} ${operatorId}`
}

/**
 * The operator `o` of this deployment that has signed a statement `s`, as SQL. Its statements count while it is
 * active. Those of a frozen operator count too, as its tokens do: it can sign nothing new, and what it signed before
 * its DNS record changed is its own.
 */
export const SIGNER_HERE = `s.issuer_id IS NULL AND o.id = s.signer_id AND o.status = 'active'`
/** The epoch of this operator `o` at the deployment `d`, as SQL. The end of all tokens raises every epoch. */
export const SIGNER_EPOCH = 'greatest(o.epoch, d.first_epoch)'
/** Whether a statement `s` is the newest version and nobody has ended it, as SQL. */
export const IS_IN_FORCE = 's.replaced_at IS NULL AND s.ended_at IS NULL'

/**
 * Statements that count here now. A statement of an operator of this deployment counts while the operator is active.
 * One of another deployment counts while its issuer is enabled and speaks for the signer's domain, and while the DNS
 * record, seen within the last 2 hours, names the key that signed it. A block counts from the moment it is put, even
 * if the signer's clock is ahead: nothing happens at its nbf, so copies would miss its beginning.
 */
export const COUNTING = `
SELECT s.edge_id::text AS id, s.kind::text AS kind, ${FROM_NODE} AS "from", ${TO_NODE} AS "to", s.depth,
  s.grants, extract(epoch FROM s.expires_at)::float8 AS exp, s.signer_id::text AS "signerId",
  coalesce(s.signer_epoch, ${SIGNER_EPOCH}) AS epoch, i.issuer, n.edge_id::text AS "domainEdge",
  ${PARTIES}
FROM trust_statements s
CROSS JOIN deployment d
LEFT JOIN operators o ON ${SIGNER_HERE}
LEFT JOIN issuers i ON i.id = s.issuer_id AND i.status = 'enabled'
  AND i.statements_as_of > now() - interval '30 minutes'
LEFT JOIN issuer_domains n ON n.issuer_id = i.id AND n.domain = s.domain AND n.operator_id = s.signer_id
  AND n.thumbprint = s.kid AND n.proven_at > now() - interval '2 hours'
WHERE d.issuer = ANY (s.aud) AND ${IS_IN_FORCE} AND s.unlisted_at IS NULL AND s.expires_at > now()
  AND (s.kind = 'blocks' OR s.not_before <= now())
  AND (o.id IS NOT NULL OR n.edge_id IS NOT NULL)`

const ACCEPTED = `
WITH accepted AS (
  SELECT subject_id, depth FROM trust_statements WHERE signer_id = $1::uuid AND kind = 'accepts-members-of'
    AND replaced_at IS NULL AND ended_at IS NULL
)`
/** The ids of an owner's statements, and of those of groups that it accepts about their members, as SQL. */
const OF_OWNER = `SELECT s.edge_id FROM trust_statements s WHERE s.signer_id = $1::uuid AND ${IS_IN_FORCE}`
const OF_GROUPS = `SELECT s.edge_id FROM trust_statements s
  WHERE s.signer_id = ANY (ARRAY(SELECT subject_id FROM accepted)) AND s.kind = 'member' AND ${IS_IN_FORCE}`

/**
 * Statements that can decide about one owner and one caller: those of the owner, except what it lets others call;
 * memberships of the caller; and those of groups between. A path has at most two groups, so these are all that it can
 * have. Their ids are collected first, one index at a time: for such conditions joined by OR, PostgreSQL would read
 * all statements.
 */
const BETWEEN = `${ACCEPTED}, direct AS (
  SELECT signer_id FROM trust_statements WHERE subject_id = $2::uuid AND kind = 'member'
    AND replaced_at IS NULL AND ended_at IS NULL
)
${COUNTING} AND s.edge_id = ANY (ARRAY(
  ${OF_OWNER} AND (s.kind <> 'lets-call' OR s.subject_id = $2::uuid)
  UNION SELECT s.edge_id FROM trust_statements s WHERE s.subject_id = $2::uuid AND s.kind = 'member' AND ${IS_IN_FORCE}
  UNION ${OF_GROUPS} AND s.subject_id IN (SELECT signer_id FROM direct)))
ORDER BY s.signer_id <> $1::uuid, s.edge_id LIMIT $3`

/** Statements of one owner, and of the groups that it accepts about their members. The owner's come first. */
const AROUND = `${ACCEPTED}
${COUNTING} AND s.edge_id = ANY (ARRAY(${OF_OWNER} UNION ${OF_GROUPS}))
ORDER BY s.signer_id <> $1::uuid, s.edge_id LIMIT $2`
/** Further statements of groups about their members, where the owner accepts members of members. */
const AROUND_GROUPS = `${ACCEPTED}, nested AS (
  SELECT s.subject_id FROM trust_statements s JOIN accepted a ON a.subject_id = s.signer_id AND a.depth = 2
  WHERE s.kind = 'member' AND s.replaced_at IS NULL AND s.ended_at IS NULL
)
${COUNTING} AND s.kind = 'member' AND s.signer_id IN (SELECT subject_id FROM nested)
  AND s.signer_id <> $1::uuid AND s.signer_id <> ALL (SELECT subject_id FROM accepted)
ORDER BY s.edge_id LIMIT $2`

/** The most statements between two parties. Two operators that sign more about others are asked to sign fewer. */
const MAX_BETWEEN = 10_000

/**
 * Reads the statements that can decide about one owner and one caller, at most `limit`. The owner's come first:
 * anybody can sign statements about the caller, and these must not push out a block.
 */
export async function readBetween(
  queries: Queries,
  owner: string,
  caller: string,
  limit = MAX_BETWEEN,
): Promise<readonly StatementRow[]> {
  const query = { name: 'trust-between', text: BETWEEN, values: [owner, caller, limit] }
  const { rows } = await queries.query<StatementRow>(query)
  return rows
}

/** Statements around an owner, with all that can be part of a path of at most `maxEdges` edges. */
export interface Around {
  readonly statements: readonly StatementRow[]
  readonly maxEdges: number
}

/**
 * Reads the statements that can decide about one owner and any caller. If there are more than `limit`, those that only
 * long paths need are left out.
 */
export async function readAround(queries: Queries, owner: string, limit: number): Promise<Around> {
  const read = async (name: string, text: string, most: number) =>
    (await queries.query<StatementRow>({ name, text, values: [owner, most + 1] })).rows
  const near = await read('trust-around', AROUND, limit)
  if (near.length > limit) return { statements: near.slice(0, limit), maxEdges: 1 }
  const groups = await read('trust-around-groups', AROUND_GROUPS, limit - near.length)
  if (near.length + groups.length > limit) return { statements: near, maxEdges: 2 }
  return { statements: [...near, ...groups], maxEdges: 3 }
}
