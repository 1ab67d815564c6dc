import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { type Ed25519Jwk, readPublicJwk } from '../jose/public-jwk.ts'
import { DID, DIGEST, type Form, OPERATOR_ID, TIME } from '../key-events/claim-forms.ts'
import type { Capabilities } from './constraint.ts'
import { checkRestrictions, DEPTH, DOMAINS, EDGES, EPOCHS, ISSUER, JTI } from './grant-forms.ts'
import { type Holder, type Lifetime, MAX_GRANT_TTL_S } from './grant-types.ts'
import { parseCapabilities } from './parse-capabilities.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'

/** Claims that every grant has. */
interface GrantClaims extends Lifetime {
  readonly iss: string
  readonly jti: string
  readonly depth: number
  readonly maxDepth: number
  /** The key of the holder. Its point is unchecked. */
  readonly jwk: Ed25519Jwk
  readonly capabilities: Capabilities
}

/** Claims of a root grant. */
interface RootClaims extends GrantClaims, Holder {
  readonly allowedDomains: readonly string[]
  /** Absent if the grant was issued through no edge of trust. */
  readonly edges?: readonly string[]
}

/** Claims of a derived grant. */
export interface DerivedClaims extends GrantClaims {
  readonly parHash: string
  /** The holder statement, a JWS that is not verified yet. */
  readonly statement: string
  /** Undefined if the domains of the parent remain. */
  readonly allowedDomains: readonly string[] | undefined
}

type Read<T> = { readonly ok: true; readonly value: T } | GrantRefusal

/** Claims about the holder that only the issuer may make: in a root or in a holder statement. */
const ONLY_BY_ISSUER = ['sub', 'operator_id', 'epoch']

/**
 * Reads the claims of a root grant strictly. Unknown claims are ignored, except those that could restrict the grant.
 *
 * @example
 * ```ts
 * import { readRootClaims } from '@auth4agent/core/delegation/grant-claims'
 *
 * const claims = readRootClaims(payload)
 * if (claims.ok) console.log(claims.value.did)
 * ```
 */
export function readRootClaims(payload: JsonObject): Read<RootClaims> {
  const { sub, operator_id: operatorId, epoch, a4a_to: allowedDomains, edges } = payload
  if (Object.hasOwn(payload, 'par_hash')) return refuseGrant('ROOT_EXPECTED', 'a root grant must not have par_hash')
  const common = readCommonClaims(payload, ['a4a_to'])
  if (!common.ok) return common
  if (common.value.depth !== 0) return refuseGrant('ROOT_EXPECTED', 'del_depth of a root grant must be 0')
  if (!DID.holds(sub)) return malformed('sub', DID)
  if (!OPERATOR_ID.holds(operatorId)) return malformed('operator_id', OPERATOR_ID)
  if (!EPOCHS.holds(epoch)) return malformed('epoch', EPOCHS)
  if (!DOMAINS.holds(allowedDomains)) return malformed('a4a_to', DOMAINS)
  if (Object.hasOwn(payload, 'edges') && !EDGES.holds(edges)) return malformed('edges', EDGES)
  const trust = EDGES.holds(edges) ? { edges } : {}
  return { ok: true, value: { ...common.value, did: sub, operatorId, epoch, allowedDomains, ...trust } }
}

/**
 * Reads the claims of a derived grant strictly. It must not say who its holder is: only the issuer does, in the holder
 * statement, and a reader that looks for `sub` must not find a text of the delegator.
 *
 * @example
 * ```ts
 * import { readDerivedClaims } from '@auth4agent/core/delegation/grant-claims'
 *
 * const claims = readDerivedClaims(payload)
 * if (claims.ok) console.log(claims.value.parHash)
 * ```
 */
export function readDerivedClaims(payload: JsonObject): Read<DerivedClaims> {
  const { par_hash: parHash, a4a_holder: statement, a4a_to: allowedDomains } = payload
  const foreign = ONLY_BY_ISSUER.find((name) => Object.hasOwn(payload, name))
  if (foreign !== undefined) return refuseGrant('MALFORMED_GRANT', `a derived grant must not have ${foreign}`)
  const common = readCommonClaims(payload, ['a4a_holder', 'a4a_to'])
  if (!common.ok) return common
  if (!DIGEST.holds(parHash)) return malformed('par_hash', DIGEST)
  if (typeof statement !== 'string') return refuseGrant('HOLDER_UNKNOWN', 'a4a_holder must be a holder statement')
  const hasDomains = Object.hasOwn(payload, 'a4a_to')
  if (hasDomains && !DOMAINS.holds(allowedDomains)) return malformed('a4a_to', DOMAINS)
  const domains = DOMAINS.holds(allowedDomains) ? allowedDomains : undefined
  return { ok: true, value: { ...common.value, parHash, statement, allowedDomains: domains } }
}

function readCommonClaims(payload: JsonObject, known: readonly string[]): Read<GrantClaims> {
  const restriction = checkRestrictions(payload, known)
  if (restriction !== undefined) return restriction
  const { iss, jti, del_depth: depth, del_max_depth: maxDepth, cnf, authorization_details: details } = payload
  if (!ISSUER.holds(iss)) return malformed('iss', ISSUER)
  if (!JTI.holds(jti)) return malformed('jti', JTI)
  if (!DEPTH.holds(depth)) return malformed('del_depth', DEPTH)
  if (!DEPTH.holds(maxDepth)) return malformed('del_max_depth', DEPTH)
  const lifetime = readLifetime(payload, 'MALFORMED_GRANT')
  if (!lifetime.ok) return lifetime
  const jwk = readHolderKey(cnf)
  if (!jwk.ok) return jwk
  const capabilities = parseCapabilities(details)
  if (!capabilities.ok) return capabilities
  const value = { iss, jti, depth, maxDepth, ...lifetime.value, jwk: jwk.value, capabilities: capabilities.value }
  return { ok: true, value }
}

/**
 * Reads `iat` and `exp` of a grant or a holder statement.
 *
 * @example
 * ```ts
 * import { readLifetime } from '@auth4agent/core/delegation/grant-claims'
 *
 * readLifetime({ iat: 1_800_000_000, exp: 1_800_003_600 }, 'MALFORMED_GRANT')
 * ```
 */
export function readLifetime({ iat, exp }: JsonObject, reason: 'MALFORMED_GRANT' | 'HOLDER_UNKNOWN'): Read<Lifetime> {
  if (!TIME.holds(iat)) return refuseGrant(reason, `iat ${TIME.demand}`)
  if (!TIME.holds(exp)) return refuseGrant(reason, `exp ${TIME.demand}`)
  if (exp <= iat) return refuseGrant(reason, 'exp must be after iat')
  return exp - iat > MAX_GRANT_TTL_S
    ? refuseGrant('LIFETIME_TOO_LONG', `exp must be at most ${MAX_GRANT_TTL_S} seconds after iat`)
    : { ok: true, value: { iat, exp } }
}

/** Another confirmation method next to `jwk` would restrict the grant, so it is refused. */
function readHolderKey(cnf: unknown): Read<Ed25519Jwk> {
  if (!isJsonObject(cnf) || Object.keys(cnf).length !== 1 || !Object.hasOwn(cnf, 'jwk'))
    return refuseGrant('MALFORMED_GRANT', 'cnf must be an object with only jwk')
  const jwk = readPublicJwk(cnf.jwk)
  return jwk?.kty === 'OKP'
    ? { ok: true, value: jwk }
    : refuseGrant('KEY_NOT_ADMITTED', 'jwk must be a public JWK of Ed25519 with only kty, crv and x')
}

function malformed(claim: string, form: Form): GrantRefusal {
  return refuseGrant('MALFORMED_GRANT', `${claim} ${form.demand}`)
}
