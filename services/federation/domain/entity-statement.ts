import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { type ParsedJws, parseCompactJws } from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { type Constraints, readConstraints } from './constraints.ts'
import { isEntityId } from './entity-id.ts'
import { type EntityKeys, readEntityKeys } from './entity-keys.ts'
import { checkCriticalOperators, type Metadata, type MetadataPolicy, readMetadataPolicy } from './metadata-policy.ts'
import { type FederationRefusal, quote, refuse } from './refusal.ts'

/** An entity statement in its right form. Its signature and its times are not checked. */
export interface EntityStatement {
  /** The compact JWS. */
  readonly text: string
  readonly jws: ParsedJws
  /** The issuer. It is the subject itself in an entity configuration. */
  readonly iss: string
  readonly sub: string
  /** Unix seconds. */
  readonly iat: number
  /** Unix seconds. */
  readonly exp: number
  /** The keys of the subject. */
  readonly keys: EntityKeys
  readonly metadata: Metadata
  /** The superiors of the subject; empty in a subordinate statement. */
  readonly authorityHints: readonly string[]
  /** Only in a subordinate statement. */
  readonly policy: MetadataPolicy | undefined
  /** Only in a subordinate statement. */
  readonly constraints: Constraints | undefined
}

/** A parsed statement, or the rule that the text breaks. */
export type StatementResult = { readonly ok: true; readonly statement: EntityStatement } | FederationRefusal

const STATEMENT_TYPE = 'entity-statement+jwt'
/** Longest accepted statement. */
export const MAX_STATEMENT_BYTES = 65_536
const JWS_RULES = { maxBytes: MAX_STATEMENT_BYTES, algs: TOKEN_ALGORITHMS, typs: [STATEMENT_TYPE] }

/** Claims that one kind of statement must not have (OpenID Federation 1.0 section 3.2). */
const FORBIDDEN: Readonly<Record<'configuration' | 'subordinate statement', readonly string[]>> = {
  configuration: ['metadata_policy', 'metadata_policy_crit', 'constraints', 'source_endpoint', 'aud', 'trust_anchor'],
  'subordinate statement': [
    'authority_hints',
    'trust_anchor_hints',
    'trust_marks',
    'trust_mark_issuers',
    'trust_mark_owners',
    'aud',
    'trust_anchor',
  ],
}

/**
 * Parses an entity configuration or a subordinate statement strictly (OpenID Federation 1.0 section 3.2). It does not
 * verify the signature. Trust marks are not supported, so their claims are ignored.
 */
export function parseEntityStatement(text: string): StatementResult {
  const jws = parseCompactJws(text, JWS_RULES)
  if (!jws.ok) return refuse('JWS_REFUSED', `The ${jws.part} ${jwsDemand(jws, JWS_RULES)}`)
  const { payload } = jws
  const refusal = checkClaims(payload)
  if (refusal !== undefined) return refusal
  const { iss, sub, iat, exp } = payload
  if (!isEntityId(iss) || !isEntityId(sub)) return refuse('CLAIM_MALFORMED', 'iss and sub must be entity identifiers')
  if (!isUnixSeconds(iat) || !isUnixSeconds(exp) || iat >= exp) {
    return refuse('CLAIM_MALFORMED', 'iat and exp must be whole Unix seconds, and iat must be before exp')
  }
  const kind = iss === sub ? 'configuration' : 'subordinate statement'
  const misplaced = FORBIDDEN[kind].find((name) => Object.hasOwn(payload, name))
  if (misplaced !== undefined) return refuse('CLAIM_MISPLACED', `A ${kind} must not have the claim ${misplaced}`)
  const content = readContent(payload)
  return 'ok' in content ? content : { ok: true, statement: { text, jws, iss, sub, iat, exp, ...content } }
}

/** Refuses every `crit`: it names claims outside the specification (section 13.4), and this version knows none. */
function checkClaims({ crit }: JsonObject): FederationRefusal | undefined {
  if (crit === undefined) return undefined
  const name: unknown = Array.isArray(crit) ? crit[0] : undefined
  return typeof name === 'string'
    ? refuse('CRIT_UNKNOWN', `The critical claim ${quote(name)} is unknown`)
    : refuse('CLAIM_MALFORMED', 'crit must be a list of claim names')
}

type Content = Pick<EntityStatement, 'keys' | 'metadata' | 'authorityHints' | 'policy' | 'constraints'>

function readContent(payload: JsonObject): Content | FederationRefusal {
  const keys = readEntityKeys(payload['jwks'])
  if (keys === undefined) {
    return refuse('KEYS_MALFORMED', 'jwks must be a JWK Set of at most 32 keys, each with a kid of its own')
  }
  const authorityHints = readHints(payload['authority_hints'])
  if (authorityHints === undefined || readHints(payload['trust_anchor_hints']) === undefined) {
    const text = 'authority_hints and trust_anchor_hints must be lists of at least one entity identifier'
    return refuse('CLAIM_MALFORMED', text)
  }
  const metadata = readMetadata(payload['metadata'])
  if (metadata === undefined) {
    return refuse('CLAIM_MALFORMED', 'metadata must be an object of objects without null as a value')
  }
  const restrictions = readRestrictions(payload)
  return 'ok' in restrictions ? restrictions : { keys, metadata, authorityHints, ...restrictions }
}

function readRestrictions(payload: JsonObject): Pick<Content, 'policy' | 'constraints'> | FederationRefusal {
  const critical = checkCriticalOperators(payload['metadata_policy_crit'])
  if (critical !== undefined) return critical
  const { constraints: constraintsJson, metadata_policy: policyJson } = payload
  const constraints = constraintsJson === undefined ? undefined : readConstraints(constraintsJson)
  if (typeof constraints === 'string') return refuse('CLAIM_MALFORMED', constraints)
  if (policyJson === undefined) return { policy: undefined, constraints }
  const read = readMetadataPolicy(policyJson)
  return read.ok ? { policy: read.policy, constraints } : read
}

function readHints(json: unknown): readonly string[] | undefined {
  if (json === undefined) return []
  return Array.isArray(json) && json.length > 0 && json.every(isEntityId) ? json : undefined
}

function readMetadata(json: unknown = {}): Metadata | undefined {
  if (!isJsonObject(json)) return undefined
  const metadata = new Map<string, JsonObject>()
  for (const [type, parameters] of Object.entries(json)) {
    if (!isJsonObject(parameters) || Object.values(parameters).includes(null)) return undefined
    metadata.set(type, parameters)
  }
  return metadata
}
