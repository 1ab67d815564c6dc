import { splitCompactJws } from '../jose/jws.ts'
import { type Ed25519Jwk, jwkThumbprint } from '../jose/public-jwk.ts'
import { TOKEN_ALGORITHMS } from '../keys/token-algorithms.ts'
import { ACCESS_TOKEN_TYPE, MAX_TOKEN_BYTES } from '../token/claims.ts'
import { checkDerivation, checkHolder } from './check-derivation.ts'
import { type DerivedClaims, readDerivedClaims, readRootClaims } from './grant-claims.ts'
import { grantId } from './grant-id.ts'
import { GRANT_ALGORITHM, GRANT_TYPE, type Hop, MAX_GRANT_BYTES } from './grant-types.ts'
import { type VerifiedStatement, verifyHolderStatement } from './holder-statement.ts'
import { type GrantKey, type GrantKeys, verifyByIssuer } from './issuer-signature.ts'
import { compareCapabilities } from './order.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'
import { readPayload, splitText, type TextRules } from './signed-text.ts'

/** Whose chains are verified. */
export interface ChainRules {
  /** Compared byte for byte. */
  readonly issuer: string
  readonly keys: GrantKeys
}

/** The key of a holder. */
export interface HolderKey {
  verify(signingInput: Uint8Array, signature: Uint8Array): boolean
}

/** The rules with the functions that import the keys of holders and verify the statements about them. */
export interface GrantRules extends ChainRules {
  /** Returns undefined for a key of small order. */
  readonly importKey: (jwk: Ed25519Jwk) => HolderKey | undefined
  /** By default {@link verifyHolderStatement}. */
  readonly verifyStatement?: (text: string) => Promise<VerifiedStatement | GrantRefusal>
}

/** A verified grant, and the keys for later checks. */
export interface VerifiedGrant {
  readonly ok: true
  readonly hop: Hop
  /** The issuer's key that signed the root or the holder statement. */
  readonly issuerKey: GrantKey
  /** Verifies the children of the grant. */
  readonly holderKey: HolderKey
}

const RULES: TextRules = {
  name: 'the grant',
  reason: 'MALFORMED_GRANT',
  maxBytes: MAX_GRANT_BYTES,
  algs: [GRANT_ALGORITHM],
  typs: [GRANT_TYPE],
  kid: 'optional',
}
const ACCESS_TOKEN_RULES = { maxBytes: MAX_TOKEN_BYTES, algs: TOKEN_ALGORITHMS, typs: [ACCESS_TOKEN_TYPE] }

/**
 * Verifies the grant that follows verified ones, or the root if there are none. It checks each signature before it
 * reads what is signed. It reads no clock.
 *
 * @param above all grants above, root first
 * @example
 * ```ts
 * import { importHolderKey } from '@auth4agent/core/delegation/holder-key'
 * import { verifyGrant } from '@auth4agent/core/delegation/verify-grant'
 *
 * const rules = { issuer: 'https://auth.example', keys, importKey: importHolderKey }
 * const root = await verifyGrant(text, [], rules)
 * ```
 */
export async function verifyGrant(
  text: string,
  above: readonly VerifiedGrant[],
  rules: GrantRules,
): Promise<VerifiedGrant | GrantRefusal> {
  const parent = above.at(-1)
  const verified = parent === undefined ? await verifyRoot(text, rules) : await verifyDerived(text, parent, rules)
  if (verified.ok && above.some(({ hop }) => hop.jti === verified.hop.jti))
    return refuseGrant('GRANT_REPEATED', 'jti must be different in each grant of the chain')
  return verified
}

async function verifyRoot(
  text: string,
  { issuer, keys, importKey }: GrantRules,
): Promise<VerifiedGrant | GrantRefusal> {
  const jws = splitText(text, RULES)
  if (!jws.ok) return isAccessToken(text) ? refuseFirst() : jws
  if (jws.header.kid === '') return refuseFirst()
  const signed = await verifyByIssuer(jws, keys, 'SIGNATURE_INVALID')
  if (!signed.ok) return signed
  const payload = readPayload(jws, RULES)
  if (!payload.ok) return payload
  const claims = readRootClaims(payload.value)
  if (!claims.ok) return claims
  const { iss, jwk, ...rest } = claims.value
  if (iss !== issuer) return refuseGrant('WRONG_ISSUER', `iss of the root grant must be ${issuer}`)
  const holderKey = importKey(jwk)
  if (holderKey === undefined) return refuseKey()
  const ids = { kid: signed.key.kid, id: grantId(jws.signingInput), publicJwk: jwk, jkt: jwkThumbprint(jwk) }
  return { ok: true, hop: { ...rest, ...ids, statement: undefined }, issuerKey: signed.key, holderKey }
}

async function verifyDerived(
  text: string,
  { hop: parent, holderKey: signer }: VerifiedGrant,
  rules: GrantRules,
): Promise<VerifiedGrant | GrantRefusal> {
  const jws = splitText(text, RULES)
  if (!jws.ok) return jws
  if (jws.header.kid !== '') return refuseGrant('MALFORMED_GRANT', 'the header of a derived grant must not have kid')
  if (!signer.verify(jws.signingInput, jws.signature))
    return refuseGrant('NOT_BY_HOLDER', `the signature must be valid under the parent's key ${parent.jkt}`)
  const payload = readPayload(jws, RULES)
  if (!payload.ok) return payload
  const claims = readDerivedClaims(payload.value)
  if (!claims.ok) return claims
  const refusal = checkDerivation(claims.value, parent)
  return refusal ?? verifyHolder(claims.value, grantId(jws.signingInput), parent, rules)
}

/** Verifies who the holder of a derived grant is, then compares what it may do with what the parent may do. */
async function verifyHolder(
  claims: DerivedClaims,
  id: string,
  parent: Hop,
  rules: GrantRules,
): Promise<VerifiedGrant | GrantRefusal> {
  const { jti, jwk, capabilities, depth, maxDepth, iat, exp } = claims
  const { verifyStatement = (text: string) => verifyHolderStatement(text, rules) } = rules
  const verified = await verifyStatement(claims.statement)
  if (!verified.ok) return verified
  const { statement, key } = verified
  const jkt = jwkThumbprint(jwk)
  const refusal = checkHolder(statement, { jkt, exp }, parent)
  if (refusal !== undefined) return refusal
  // Even of the last grant, because anyone can make proofs under a key of small order.
  const holderKey = rules.importKey(jwk)
  if (holderKey === undefined) return refuseKey()
  const widened = compareCapabilities(capabilities, parent.capabilities)
  if (widened !== undefined) return widened
  const { did, operatorId, epoch } = statement
  const allowedDomains = claims.allowedDomains ?? parent.allowedDomains
  const holder = { did, operatorId, epoch, kid: key.kid, statement: { iat: statement.iat, exp: statement.exp } }
  const grant = { id, jti, publicJwk: jwk, jkt, depth, maxDepth, iat, exp, capabilities, allowedDomains }
  return { ok: true, hop: { ...holder, ...grant }, issuerKey: key, holderKey }
}

function refuseKey(): GrantRefusal {
  return refuseGrant('KEY_NOT_ADMITTED', 'jwk must be an Ed25519 key of large order in canonical form')
}

function isAccessToken(text: string): boolean {
  return splitCompactJws(text, ACCESS_TOKEN_RULES).ok
}

function refuseFirst(): GrantRefusal {
  return refuseGrant('ROOT_EXPECTED', 'the chain must begin with a root grant, with the typ aat+jwt and a kid')
}
