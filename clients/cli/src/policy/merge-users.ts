import type { AudienceRule, UserAccess, UserScope } from '@auth4agent/sdk'

/** Changes of the users of an audience. Absent members stay as they are, and so do the groups of a scope. */
export interface UserChange extends Partial<Omit<UserAccess, 'scopes'>> {
  /** Scopes that are added, or get these words. */
  readonly scopes?: readonly Pick<UserScope, 'name' | 'words'>[]
  readonly removedScopes?: readonly string[]
}

/** Returns the users with the changes. */
export function mergeUsers(users: AudienceRule['users'], change: UserChange): UserAccess {
  const { scopes: named = [], removedScopes = [], ...members } = change
  const { scopes, ...rest } = users ?? { domains: [], scopes: [] }
  const kept = scopes.filter(({ name }) => !removedScopes.includes(name))
  const changed = kept.map((scope) => ({ ...scope, ...named.find(({ name }) => name === scope.name) }))
  const added = named.filter(({ name }) => !kept.some((scope) => scope.name === name))
  return { ...rest, ...members, scopes: [...changed, ...added] }
}
