import { isPlainObject } from '../encoding/json-value.ts'
import type { JsonObject } from '../encoding/strict-json.ts'
import { encodeUtf8 } from '../encoding/utf8.ts'
import { isDomain } from '../identity/domain.ts'
import { isIssuerUrl, isServerIssuer } from '../identity/issuer-url.ts'
import { OPERATOR_ID } from '../key-events/claim-forms.ts'
import { readGrants } from './read-grants.ts'
import {
  type EdgeKind,
  MAX_DRAFT_BYTES,
  MAX_STATEMENT_AUDIENCES,
  STATEMENT_KINDS,
  type TrustDraft,
} from './statement.ts'
import { demand, demandOnly, orRefusal, type StatementRefusal } from './statement-rules.ts'

/** Claims of a draft. A statement has more. */
export const DRAFT_MEMBERS = [
  'iss',
  'home',
  'domain',
  'sub',
  'sub_home',
  'sub_domain',
  'aud',
  'kind',
  'depth',
  'grants',
  'visibility',
]

/**
 * Reads a draft from JSON strictly, with the same rules as a statement.
 *
 * @param value the value of JSON without duplicate members
 * @example
 * ```ts
 * import { parseTrustDraft } from '@auth4agent/core/trust/read-draft'
 *
 * const parsed = parseTrustDraft(JSON.parse(text))
 * if (!parsed.ok) throw new TypeError(parsed.text)
 * console.log(parsed.draft.kind)
 * ```
 */
export function parseTrustDraft(value: unknown): { readonly ok: true; readonly draft: TrustDraft } | StatementRefusal {
  return orRefusal(() => {
    demand(isPlainObject(value), 'The draft', 'object')
    demandOnly(value, DRAFT_MEMBERS, 'unknown')
    const draft = readDraft(value)
    const { length } = encodeUtf8(JSON.stringify(draftClaims(draft)))
    demand(length <= MAX_DRAFT_BYTES, 'The draft', 'draft-size')
    return { ok: true, draft } as const
  })
}

/**
 * Returns a draft as JSON: the claims of the statement that its signer completes.
 *
 * @example
 * ```ts
 * import { draftClaims } from '@auth4agent/core/trust/read-draft'
 *
 * await writeFile('draft.json', JSON.stringify(draftClaims(draft), null, 2))
 * ```
 */
export function draftClaims(draft: TrustDraft): JsonObject {
  const { iss, home, domain, sub, subHome, subDomain, aud, kind, depth, grants, visibility } = draft
  return {
    iss,
    home,
    domain,
    ...(sub !== '' && { sub }),
    sub_home: subHome,
    ...(subDomain !== '' && { sub_domain: subDomain }),
    aud,
    kind,
    ...(depth !== undefined && { depth }),
    ...(grants.length > 0 && {
      grants: grants.map(({ audience, scopes }) => (audience === '' ? { scopes } : { audience, scopes })),
    }),
    visibility,
  }
}

/**
 * Reads the claims that drafts and statements have. It does not look for unknown claims.
 *
 * @throws Fault if a rule is broken.
 * @example
 * ```ts
 * import { readDraft } from '@auth4agent/core/trust/read-draft'
 *
 * const draft = readDraft(claims)
 * ```
 */
export function readDraft(claims: JsonObject): TrustDraft {
  const { iss, home, domain, visibility } = claims
  const kind = STATEMENT_KINDS.find((known) => known === claims['kind'])
  demand(kind !== undefined, 'kind', 'kind')
  demand(OPERATOR_ID.holds(iss), 'iss', 'operator')
  demand(isText(home) && isServerIssuer(home), 'home', 'deployment')
  demand(isText(domain) && isDomain(domain), 'domain', 'domain')
  const subject = kind === 'chains-to' ? readIssuer(claims, home) : readOperator(claims, iss)
  const aud = readAudiences(claims['aud'])
  const depth = readDepth(claims, kind)
  const grants = readGrants(claims, kind)
  demand(visibility === 'parties' || visibility === 'public', 'visibility', 'visibility')
  return { iss, home, domain, ...subject, aud, kind, ...(depth !== undefined && { depth }), grants, visibility }
}

type Subject = Pick<TrustDraft, 'sub' | 'subHome' | 'subDomain'>

function readOperator({ sub, sub_home: subHome, sub_domain: subDomain }: JsonObject, iss: string): Subject {
  demand(OPERATOR_ID.holds(sub), 'sub', 'operator')
  demand(sub !== iss, 'sub', 'self')
  demand(isText(subHome) && isIssuerUrl(subHome), 'sub_home', 'issuer')
  demand(isText(subDomain) && isDomain(subDomain), 'sub_domain', 'domain')
  return { sub, subHome, subDomain }
}

function readIssuer(claims: JsonObject, home: string): Subject {
  const { sub_home: subHome } = claims
  for (const name of ['sub', 'sub_domain']) demand(!Object.hasOwn(claims, name), name, 'left-out')
  demand(isText(subHome) && isIssuerUrl(subHome), 'sub_home', 'issuer')
  demand(subHome !== home, 'sub_home', 'own-home')
  return { sub: '', subHome, subDomain: '' }
}

function readAudiences(aud: unknown): readonly string[] {
  const isList = Array.isArray(aud) && aud.length >= 1 && aud.length <= MAX_STATEMENT_AUDIENCES
  demand(isList && new Set(aud).size === aud.length, 'aud', 'audiences')
  return aud.map((issuer, at) => {
    demand(isText(issuer) && isServerIssuer(issuer), `aud[${at}]`, 'deployment')
    return issuer
  })
}

function readDepth(claims: JsonObject, kind: EdgeKind): 1 | 2 | undefined {
  const { depth } = claims
  if (kind !== 'accepts-members-of') {
    demand(!Object.hasOwn(claims, 'depth'), 'depth', 'left-out')
    return undefined
  }
  demand(depth === 1 || depth === 2, 'depth', 'depth')
  return depth
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
