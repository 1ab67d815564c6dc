import { roleError } from './authority.ts'
import type { Principal } from './call.ts'
import type { CallerKind, Policy } from './policy.ts'

type Line = Pick<Policy<Readonly<Record<string, unknown>>>, 'role' | 'scopes'> & {
  readonly callers?: readonly CallerKind[]
}
type Role = NonNullable<Line['role']>

/** Scopes with which an access token reaches calls of this server, and the roles that these calls need. */
export type ServerScopes = ReadonlyMap<string, readonly Role[]>

/** The policies of a service, by the name of the method. */
export type PolicyTable = Readonly<Record<string, Line>>

/** Finds the scopes of access tokens in the policies of all services. */
export function findServerScopes(tables: readonly PolicyTable[]): ServerScopes {
  const found = new Map<string, readonly Role[]>()
  for (const { scopes = [], role = 'root' } of tables.flatMap((table) => Object.values(table))) {
    for (const scope of scopes) found.set(scope, [...new Set([...(found.get(scope) ?? []), role])])
  }
  return found
}

/**
 * Throws unless the key that has signed a call may let an agent have these scopes. An agent with a scope of this
 * server makes calls for its operator, so the key must be allowed to make all of these calls itself. Otherwise a key
 * could widen its own role.
 *
 * @throws ApiError ROLE_REQUIRED
 */
export function requireGrantable(serverScopes: ServerScopes, scopes: readonly string[], principal: Principal): void {
  for (const scope of scopes) {
    for (const role of serverScopes.get(scope) ?? []) {
      const key = principal.kind === 'operator' ? principal.key : NOBODY
      const error = roleError(role, key, `for an agent with the scope ${scope}`)
      if (error !== undefined) throw error
    }
  }
}

/** A caller without a key of an operator. */
const NOBODY = { label: '', isRoot: false, roles: [] }

/**
 * Returns why an enrolment rule must not give these scopes; undefined if it may. Keys that manage attestors and join
 * tokens decide which agents meet a rule, so they could give a scope of this server to agents of their own.
 */
export function scopeFaultOfRule(serverScopes: ServerScopes, scopes: readonly string[]): string | undefined {
  const scope = scopes.find((each) => serverScopes.get(each)?.some((role) => role !== 'any'))
  return (
    scope && `An enrolment rule must not give the scope ${scope}, because its calls need a role: give it to each agent`
  )
}
