import { decodeBase64url } from '../encoding/base64.ts'
import { hasCanonicalNumbers } from '../encoding/canonical-numbers.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import { isUuid } from '../encoding/uuid.ts'
import {
  ED25519_ALGORITHMS,
  type JwsRefusal,
  type JwsRules,
  readJwsPayload,
  splitCompactJws,
  type UnreadJws,
} from '../jose/jws.ts'
import { jwsDemand } from '../jose/jws-demand.ts'
import { type Ed25519Jwk, jwkThumbprint, readPublicJwk } from '../jose/public-jwk.ts'
import { TIME, text, whole } from '../key-events/claim-forms.ts'
import { admitPublicKey } from '../keys/admit-key.ts'
import { DRAFT_MEMBERS, readDraft } from './read-draft.ts'
import {
  MAX_STATEMENT_BYTES,
  MAX_STATEMENT_LIFETIME_S,
  TRUST_STATEMENT_TYPE,
  type TrustStatement,
} from './statement.ts'
import { demand, demandOnly, orRefusal, type StatementRefusal } from './statement-rules.ts'

/** A statement whose signature is not verified yet. */
export interface ParsedStatement {
  readonly ok: true
  readonly statement: TrustStatement
  /** The key that must have signed it. Its point is admitted. Nothing says yet that it belongs to the signer. */
  readonly jwk: Ed25519Jwk
  /** RFC 7638 thumbprint of the key. */
  readonly thumbprint: string
  /** The signed bytes. */
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

const JWS_RULES: JwsRules = {
  maxBytes: MAX_STATEMENT_BYTES,
  algs: ED25519_ALGORITHMS,
  typs: [TRUST_STATEMENT_TYPE],
  jwk: 'required',
}
const HEADER_MEMBERS = ['alg', 'typ', 'kid', 'jwk']
const STATEMENT_MEMBERS = [...DRAFT_MEMBERS, 'jti', 'version', 'iat', 'nbf', 'exp']
const ID = text(isUuid, 'must be a UUID')
const VERSION = whole(1, 2 ** 31 - 1, 'must be a whole number from 1 to 2147483647')

/**
 * Parses a trust statement strictly: the smallest deviation and every unknown member is refused. It does not verify
 * the signature, and it reads no clock.
 *
 * @returns the statement, or the first rule that it breaks.
 * @example
 * ```ts
 * import { parseTrustStatement } from '@auth4agent/core/trust/parse-statement'
 *
 * const parsed = parseTrustStatement(text)
 * if (!parsed.ok) throw new TypeError(parsed.text)
 * console.log(parsed.statement.kind)
 * ```
 */
export function parseTrustStatement(text: string): ParsedStatement | StatementRefusal {
  const jws = splitCompactJws(text, JWS_RULES)
  if (!jws.ok) return refuseJws(jws)
  const payload = readJwsPayload(jws.encodedPayload)
  if (!payload.ok) return refuseJws(payload)
  return orRefusal(() => {
    demand(hasCanonicalNumbers(payload.text), 'The payload', 'numbers')
    const statement = readStatement(payload.value)
    // Last, because it takes a millisecond.
    const key = readKey(text, jws)
    return { ok: true, statement, ...key, signingInput: jws.signingInput, signature: jws.signature }
  })
}

function refuseJws(refusal: JwsRefusal): StatementRefusal {
  const subject = refusal.part === 'text' ? 'statement' : `${refusal.part} of the statement`
  return { ok: false, rule: refusal.why, text: `The ${subject} ${jwsDemand(refusal, JWS_RULES)}` }
}

function readStatement(claims: JsonObject): TrustStatement {
  demandOnly(claims, STATEMENT_MEMBERS, 'unknown')
  const draft = readDraft(claims)
  const { jti, version, iat, nbf, exp } = claims
  demand(ID.holds(jti), 'jti', 'jti')
  demand(VERSION.holds(version), 'version', 'version')
  demand(TIME.holds(iat), 'iat', 'time')
  demand(TIME.holds(nbf), 'nbf', 'time')
  demand(TIME.holds(exp), 'exp', 'time')
  demand(iat <= nbf, 'nbf', 'nbf-order')
  demand(nbf < exp, 'exp', 'exp-order')
  demand(exp - iat <= MAX_STATEMENT_LIFETIME_S, 'exp', 'exp-limit')
  return { ...draft, jti, version, iat, nbf, exp }
}

function readKey(text: string, { header }: UnreadJws): Pick<ParsedStatement, 'jwk' | 'thumbprint'> {
  // The header is read again, because its parser leaves out the members that it does not know.
  const members = readJwsPayload(text.slice(0, text.indexOf('.')))
  if (members.ok) demandOnly(members.value, HEADER_MEMBERS, 'header-member')
  const jwk = readPublicJwk(header.jwk)
  demand(jwk?.kty === 'OKP', 'jwk', 'jwk')
  const thumbprint = jwkThumbprint(jwk)
  demand(header.kid === thumbprint, 'kid', 'kid')
  demand(admitPublicKey(decodeBase64url(jwk.x) ?? new Uint8Array()).ok, 'jwk', 'point')
  return { jwk, thumbprint }
}
