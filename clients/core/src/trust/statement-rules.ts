import type { JsonObject } from '../encoding/strict-json.ts'
import type { JwsRefusal } from '../jose/jws.ts'
import { shownName } from '../names/shown-name.ts'
import {
  MAX_DRAFT_BYTES,
  MAX_GRANTED_SCOPES,
  MAX_GRANTS,
  MAX_STATEMENT_AUDIENCES,
  MAX_STATEMENT_LIFETIME_S,
  STATEMENT_KINDS,
} from './statement.ts'

const ISSUER = 'https, in lower case, without default port, user, query, fragment or characters that need encoding'
const ID = 'a UUID in lower-case hex with hyphens'

/** What a statement must be, by rule. Each sentence goes on after the name of a member. */
const RULES = {
  object: 'must be a JSON object',
  unknown: 'is not a member of a trust statement',
  'header-member': 'is not a header member of a trust statement, which has alg, typ, kid and jwk',
  jwk: 'must be a public JWK of Ed25519 with the members kty, crv and x',
  point: 'must be a valid point of the curve, in canonical form and of prime order',
  kid: 'must be the RFC 7638 thumbprint of jwk',
  numbers: 'must write numbers as JSON.stringify writes them',
  'draft-size': `must have at most ${MAX_DRAFT_BYTES} bytes`,
  kind: `must be one of ${STATEMENT_KINDS.join(', ')}`,
  operator: `must be an operator id, ${ID}`,
  issuer: `must be an issuer: ${ISSUER}`,
  deployment: `must be the issuer of a deployment: ${ISSUER}, and without slash at the end`,
  domain: 'must be a domain with at least two labels, in lower-case A-labels',
  self: 'must be another operator than iss',
  'own-home': 'must be another issuer than home',
  audiences: `must be a list of 1 to ${MAX_STATEMENT_AUDIENCES} different issuers`,
  'left-out': 'must be left out in a statement of this kind',
  depth: 'must be 1 or 2',
  grants: `must be a list of 1 to ${MAX_GRANTS} grants`,
  grant: 'must be an object with audience and scopes',
  audience: 'must be a URL without user and fragment, or a host name, in lower case and without *',
  'foreign-audience': 'must be at the domain of the signer or below it',
  'audience-again': 'must be different in each grant',
  'audience-alone': 'must have one grant only if that leaves out audience',
  scopes: 'must be an object that names at least one scope',
  scope: 'must be a scope-token of at most 128 characters, without *',
  'scope-list': 'must be a list of at least one scope',
  'scope-again': 'must be a scope that the list does not have yet',
  'scope-count': `must map to at most ${MAX_GRANTED_SCOPES} scopes in all`,
  visibility: 'must be parties or public',
  jti: `must be ${ID}`,
  version: 'must be a whole number from 1 to 2147483647',
  time: 'must be whole Unix seconds',
  'nbf-order': 'must not be before iat',
  'exp-order': 'must be after nbf',
  'exp-limit': `must be at most ${MAX_STATEMENT_LIFETIME_S / 86_400} days after iat`,
  signature: 'must be valid under the key jwk of the header',
} as const

/** A rule about the content of a statement. */
type ContentRule = keyof typeof RULES

/**
 * Why a text is not a trust statement.
 *
 * @example
 * ```ts
 * import type { StatementRefusal } from '@auth4agent/core/trust/statement-rules'
 *
 * const isTooLong = ({ rule }: StatementRefusal) => rule === 'exp-limit'
 * ```
 */
export interface StatementRefusal {
  readonly ok: false
  /** The first rule that is broken: a rule of every JWS, or one of trust statements. */
  readonly rule: ContentRule | JwsRefusal['why']
  /** A sentence that says what would be right. */
  readonly text: string
}

/**
 * A broken rule. It never leaves the readers of this folder.
 *
 * @example
 * ```ts
 * import { Fault } from '@auth4agent/core/trust/statement-rules'
 *
 * throw new Fault('grants', 'grants')
 * ```
 */
class Fault extends Error {
  readonly refusal: StatementRefusal

  constructor(at: string, rule: ContentRule) {
    super(rule)
    this.refusal = refuseStatement(at, rule)
  }
}

/**
 * Makes a refusal of a statement because of one member.
 *
 * @example
 * ```ts
 * import { refuseStatement } from '@auth4agent/core/trust/statement-rules'
 *
 * refuseStatement('depth', 'depth').text // 'depth of the statement must be 1 or 2'
 * ```
 */
export function refuseStatement(at: string, rule: ContentRule): StatementRefusal {
  return { ok: false, rule, text: `${at} of the statement ${RULES[rule]}` }
}

/**
 * Throws a {@link Fault} of one member unless a rule is kept.
 *
 * @example
 * ```ts
 * import { demand } from '@auth4agent/core/trust/statement-rules'
 *
 * const check: (depth: unknown) => void = (depth) => demand(depth === 1 || depth === 2, 'depth', 'depth')
 * ```
 */
export function demand(isRight: boolean, at: string, rule: ContentRule): asserts isRight {
  if (!isRight) throw new Fault(at, rule)
}

/**
 * Throws a {@link Fault} if an object has a member with another name.
 *
 * @example
 * ```ts
 * import { demandOnly } from '@auth4agent/core/trust/statement-rules'
 *
 * demandOnly({ audience, scopes }, ['audience', 'scopes'], 'unknown', 'grants[0].')
 * ```
 */
export function demandOnly(object: JsonObject, names: readonly string[], rule: ContentRule, prefix = ''): void {
  const unknown = Object.keys(object).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Fault(`${prefix}${shownName(unknown)}`, rule)
}

/**
 * Returns what a reader returns, or the refusal of the {@link Fault} that it throws.
 *
 * @example
 * ```ts
 * import { demand, orRefusal } from '@auth4agent/core/trust/statement-rules'
 *
 * const read = orRefusal(() => {
 *   demand(version > 0, 'version', 'version')
 *   return { ok: true, version } as const
 * })
 * ```
 */
export function orRefusal<T extends { readonly ok: true }>(read: () => T): T | StatementRefusal {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.refusal
    throw thrown
  }
}
