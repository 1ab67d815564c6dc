import { isUuid } from '../encoding/uuid.ts'
import { ED25519_ALGORITHMS, type JwsRules, type ParsedJws, parseCompactJws } from '../jose/jws.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { isJti } from '../token/claims.ts'
import { isKeyLabel } from './key-label.ts'
import { areOperatorRoles, OPERATOR_ROLES, type OperatorRole } from './operator-roles.ts'

/** `typ` of an invitation to make a key. */
export const KEY_INVITATION_TYPE = 'auth4agent-key-invitation+jwt'
/** Longest lifetime of an invitation, from `iat` to `exp`, in seconds. */
export const MAX_INVITATION_LIFETIME_S = 3_600
const RULES: JwsRules = { maxBytes: 4_096, algs: ED25519_ALGORITHMS, typs: [KEY_INVITATION_TYPE] }
const NAMES = new Set(['iss', 'sub', 'aud', 'iat', 'exp', 'jti', 'label', 'roles', 'person'])

/** An invitation, by which a person asks for a key with these terms. */
export interface KeyInvitation {
  readonly operatorId: string
  /** The server's issuer. */
  readonly issuer: string
  /** Single-use id. */
  readonly jti: string
  /** Unix seconds. */
  readonly iat: number
  /** Unix seconds. */
  readonly exp: number
  readonly label: string
  readonly roles: readonly OperatorRole[]
  readonly person?: string
}

/** An invitation whose signature is not verified yet: a root key in force must have made it. */
interface ParsedInvitation {
  readonly ok: true
  readonly invitation: KeyInvitation
  readonly jws: ParsedJws
}

/**
 * Parses an invitation strictly: unknown claims are refused. It does not verify the signature, and not the time.
 *
 * @returns the invitation with its JWS, or why the text is none
 * @example
 * ```ts
 * import { parseKeyInvitation } from '@auth4agent/core/identity/key-invitation'
 *
 * const parsed = parseKeyInvitation(text)
 * if (!parsed.ok) throw new TypeError(parsed.why)
 * ```
 */
export function parseKeyInvitation(text: string): ParsedInvitation | { readonly ok: false; readonly why: string } {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return { ok: false, why: `it must be a JWS with the type ${KEY_INVITATION_TYPE}` }
  const { iss, sub, aud, iat, exp, jti, label, roles, person } = jws.payload
  if (Object.keys(jws.payload).some((name) => !NAMES.has(name)))
    return { ok: false, why: 'it must have no other claims' }
  if (typeof iss !== 'string' || !isUuid(iss) || sub !== iss) {
    return { ok: false, why: 'iss and sub must be an operator id' }
  }
  if (typeof aud !== 'string') return { ok: false, why: 'aud must be the issuer of a server' }
  if (!isUnixSeconds(iat) || !isUnixSeconds(exp) || exp <= iat || exp - iat > MAX_INVITATION_LIFETIME_S) {
    return { ok: false, why: `exp must be 1 to ${MAX_INVITATION_LIFETIME_S} seconds after iat` }
  }
  if (typeof jti !== 'string' || !isJti(jti)) return { ok: false, why: 'jti must be 1 to 64 visible ASCII characters' }
  if (typeof label !== 'string' || !isKeyLabel(label)) {
    return { ok: false, why: 'label must be 1 to 64 visible characters' }
  }
  if (!areOperatorRoles(roles)) return { ok: false, why: `roles must name some of ${OPERATOR_ROLES.join(', ')}` }
  if (person !== undefined && (typeof person !== 'string' || !isKeyLabel(person))) {
    return { ok: false, why: 'person must be 1 to 64 visible characters' }
  }
  const invitation = { operatorId: iss, issuer: aud, jti, iat, exp, label, roles, ...(person && { person }) }
  return { ok: true, invitation, jws }
}
