import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { shownName } from '../names/shown-name.ts'
import { parseAudience } from '../token/audience.ts'
import { parseScopeList } from '../token/scope.ts'
import { type EdgeKind, MAX_GRANTED_SCOPES, MAX_GRANTS, type TrustGrant } from './statement.ts'
import { demand, demandOnly } from './statement-rules.ts'

/** Kinds that give something. The other kinds have no grants. */
const GRANTING: ReadonlySet<EdgeKind> = new Set(['lets-call', 'accepts-members-of', 'chains-to'])

/**
 * Reads the member `grants` of a statement or a draft.
 *
 * @throws Fault if a rule is broken.
 * @example
 * ```ts
 * import { readGrants } from '@auth4agent/core/trust/read-grants'
 *
 * readGrants({ grants: [{ audience: 'api.cargo.example', scopes: { read: ['read'] } }] }, 'lets-call')
 * ```
 */
export function readGrants(claims: JsonObject, kind: EdgeKind): readonly TrustGrant[] {
  const { grants: list } = claims
  if (!GRANTING.has(kind)) {
    demand(!Object.hasOwn(claims, 'grants'), 'grants', 'left-out')
    return []
  }
  demand(Array.isArray(list) && list.length >= 1 && list.length <= MAX_GRANTS, 'grants', 'grants')
  const grants = list.map((grant, at) => readGrant(grant, `grants[${at}]`, kind))
  const audiences = new Set(grants.map(({ audience }) => audience))
  demand(grants.length === 1 || !audiences.has(''), 'grants', 'audience-alone')
  demand(audiences.size === grants.length, 'grants[].audience', 'audience-again')
  if (kind !== 'chains-to') demandOwn(grants, claims['domain'])
  const count = grants.flatMap(({ scopes }) => Object.values(scopes).flat()).length
  demand(count <= MAX_GRANTED_SCOPES, 'grants', 'scope-count')
  return grants
}

function readGrant(value: unknown, at: string, kind: EdgeKind): TrustGrant {
  demand(isJsonObject(value), at, 'grant')
  demandOnly(value, ['audience', 'scopes'], 'unknown', `${at}.`)
  const { audience, scopes } = value
  demand(isJsonObject(scopes) && Object.keys(scopes).length > 0, `${at}.scopes`, 'scopes')
  // An issuer may name its resources in its own way, so a statement can leave the audience to it.
  const isLeftOut = kind === 'chains-to' && !Object.hasOwn(value, 'audience')
  demand(isLeftOut || isAudience(audience), `${at}.audience`, 'audience')
  const entries = Object.entries(scopes).map(([scope, list]) => readScope(scope, list, `${at}.scopes`))
  return { audience: isAudience(audience) ? audience : '', scopes: Object.fromEntries(entries) }
}

/** Only the owner of a host can give its audiences, and an operator can own only hosts at its domain or below. */
function demandOwn(grants: readonly TrustGrant[], domain: unknown): void {
  for (const [at, { audience }] of grants.entries()) {
    const host = parseAudience(audience)?.host ?? ''
    demand(host === domain || host.endsWith(`.${String(domain)}`), `grants[${at}].audience`, 'foreign-audience')
  }
}

function isAudience(value: unknown): value is string {
  return typeof value === 'string' && parseAudience(value) !== undefined && !value.includes('*')
}

function readScope(scope: string, list: unknown, at: string): readonly [string, readonly string[]] {
  const place = `${at}[${shownName(scope)}]`
  demand(isScope(scope), place, 'scope')
  demand(Array.isArray(list) && list.length > 0, place, 'scope-list')
  const seen = new Set<string>()
  for (const [index, entry] of list.entries()) {
    demand(isScope(entry), `${place}[${index}]`, 'scope')
    demand(!seen.has(entry), `${place}[${index}]`, 'scope-again')
    seen.add(entry)
  }
  return [scope, [...seen]]
}

function isScope(value: unknown): value is string {
  return typeof value === 'string' && parseScopeList([value]) !== undefined
}
