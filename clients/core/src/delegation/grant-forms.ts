import type { JsonObject } from '../encoding/strict-json.ts'
import { isDomain } from '../identity/domain.ts'
import { type Form, text, whole } from '../key-events/claim-forms.ts'
import { isJti } from '../token/claims.ts'
import { isEdges, MAX_EDGES } from '../token/edges.ts'
import { MAX_DEPTH } from './grant-types.ts'
import { type GrantRefusal, refuseGrant } from './refusal.ts'

const MAX_DOMAINS = 16
const MAX_ISSUER = 2048
const MAX_INT32 = 2_147_483_647
/** Claims that restrict other tokens (RFC 7519 section 4.1, RFC 8693 section 4, RFC 9068). Grants never have them. */
const RESTRICTING: ReadonlySet<string> = new Set(['aud', 'nbf', 'scope', 'act', 'may_act'])
const OWN_PREFIX = 'a4a_'

/** The issuer of a root grant or of a holder statement. */
export const ISSUER: Form<string> = text(
  (value) => value.length <= MAX_ISSUER,
  `must be the issuer, a text of at most ${MAX_ISSUER} characters`,
)
/** The id of a grant. */
export const JTI: Form<string> = text(isJti, 'must have 1 to 64 visible ASCII characters')
/** The depth of a grant, and the largest depth below it. */
export const DEPTH: Form<number> = whole(0, MAX_DEPTH, `must be a whole number from 0 to ${MAX_DEPTH}`)
/** Epochs of an agent and its operator. */
export const EPOCHS: Form<readonly [number, number]> = { holds: isEpochs, demand: 'must be two epochs from 1 on' }
/** The edges of trust through which a root was issued. */
export const EDGES: Form<readonly string[]> = {
  holds: isEdges,
  demand: `must be a list of 1 to ${MAX_EDGES} different UUIDs in lower case`,
}
/** The domains in `a4a_to`. */
export const DOMAINS: Form<readonly string[]> = {
  holds: isDomains,
  demand: `must be a list of 1 to ${MAX_DOMAINS} different domains in lower-case A-labels`,
}

/**
 * Checks that no claim restricts a grant or statement in a way that this version cannot enforce: a claim that
 * restricts other tokens, or an unknown one of this project. All other unknown claims are ignored (draft section 3.4).
 *
 * @param known claims of this project that the text may have
 * @returns undefined if there is none.
 * @example
 * ```ts
 * import { checkRestrictions } from '@auth4agent/core/delegation/grant-forms'
 *
 * checkRestrictions({ a4a_to: ['acme.example'], a4a_once: true }, ['a4a_to'])?.reason // 'RESTRICTION_UNKNOWN'
 * ```
 */
export function checkRestrictions(payload: JsonObject, known: readonly string[]): GrantRefusal | undefined {
  const name = Object.keys(payload).find(
    (claim) => RESTRICTING.has(claim) || (claim.startsWith(OWN_PREFIX) && !known.includes(claim)),
  )
  // The signer chooses the name, which may end in a log.
  return name === undefined
    ? undefined
    : refuseGrant('RESTRICTION_UNKNOWN', `the claim ${JSON.stringify(name.slice(0, 64))} must be left out`)
}

function isEpochs(value: unknown): value is readonly [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((epoch) => Number.isInteger(epoch) && epoch >= 1 && epoch <= MAX_INT32)
  )
}

function isDomains(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_DOMAINS) return false
  return value.every((domain) => typeof domain === 'string' && isDomain(domain)) && new Set(value).size === value.length
}
