import type { UserAccess, UserScope } from '../../../operator-registry/index.ts'
import type { Standing } from './standing.ts'

/** What a user may let a client do at an audience, and the edges with which it ends. */
export interface Access {
  readonly ownerId: string
  readonly ownerDomain: string
  /** The scopes to which the user can consent, in the order of the owner's rule. */
  readonly scopes: readonly UserScope[]
  /** How long a connection may last after the sign-in from which it comes, in seconds. */
  readonly connectionS: number
  /** Edges of the access, of the way to another owner, and of the identity provider. */
  readonly edges: readonly string[]
  readonly provider: { readonly issuer: string; readonly generation: number }
}

const DAY_S = 86_400
/** How long a sign-in counts if its provider never tells that it has ended the user, in seconds. */
const UNTOLD_S = 8 * 3_600

/**
 * Why a user may not come: `audience` if the audience lets no users come, `user` if this user may not. Both are
 * answered alike wherever a stranger could learn from the difference who is a user.
 */
export type NoAccess = { readonly refused: 'audience' | 'user'; readonly why: string }

/**
 * Decides whether a user may come to an audience, and to what the user can consent there. Both sides must agree: the
 * owner of the audience and the operator of the user. Denies by default.
 *
 * Groups count only for users of the owner, because only their provider's groups mean what the owner means.
 */
export function decideAccess(standing: Standing, operatorId: string, rule: UserAccess | undefined): Access | NoAccess {
  const { ownerId, ownerDomain, accessEdge, targetEdge, providerEdge, providerIssuer, userDomain } = standing
  if (ownerId === null || ownerDomain === null || rule === undefined || accessEdge === null) {
    return { refused: 'audience', why: 'The owner of the resource must let users come' }
  }
  if (standing.ownerStatus !== 'active') return { refused: 'audience', why: 'The owner of the resource is not active' }
  if (standing.operatorStatus !== 'active' || userDomain === null) return no('The operator of the user is not active')
  if (standing.userStatus !== 'active') return no('The user is not active')
  if (providerEdge === null || providerIssuer === null) return no('The identity provider of the user is gone')
  if (standing.issuerStatus === 'disabled') return no('The administrator has disabled the identity provider')
  if (!rule.domains.some((domain) => domain === '*' || domain === userDomain)) {
    return no(`The owner of the resource does not let users of ${userDomain} come`)
  }
  const isOwn = ownerId === operatorId
  if (!isOwn && targetEdge === null) return no(`The operator of the user must list ${ownerDomain} in users_to`)
  const groups = isOwn ? (standing.groups ?? []) : []
  const scopes = rule.scopes.filter(
    (scope) => scope.groups.length === 0 || scope.groups.some((g) => groups.includes(g)),
  )
  if (scopes.length === 0) return no('No scope of the resource is for this user')
  const edges = [accessEdge, ...(isOwn || targetEdge === null ? [] : [targetEdge]), providerEdge]
  const provider = { issuer: providerIssuer, generation: standing.generation ?? 1 }
  const connectionS = Math.min(rule.maxDays * DAY_S, standing.signals === 'none' ? UNTOLD_S : Infinity)
  return { ownerId, ownerDomain, scopes, connectionS, edges, provider }
}

function no(why: string): NoAccess {
  return { refused: 'user', why }
}
