import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { TrustDeps } from '../../config.ts'
import { type ByLogDeps, decideByLog } from '../../decide/by-log.ts'
import type { KnownGraph } from '../../decide/known-graph.ts'

/** What an agent of this deployment wants at another deployment. */
export interface AuthorityQuestion {
  readonly operatorId: string
  /** The issuer of the other deployment, byte for byte. */
  readonly issuer: string
  /** An audience there. */
  readonly resource: string
  readonly scopes: readonly string[]
}

/** What the agent may have there. */
export interface Authority {
  /** In the words of the statement. */
  readonly scopes: readonly string[]
  /** Id of the statement. */
  readonly edge: string
  /** When the statement expires, in Unix seconds. */
  readonly exp: number
}

/** What the agent may have there, or what the statements of its operator do not name. */
export type FindAuthority = (
  question: AuthorityQuestion,
) => Promise<Authority | { readonly refused: 'issuer' | 'resource' | 'scope' | 'ended' }>

/** Creates the function that finds out whether an operator lets its agents carry authority to another deployment. */
export function createFindAuthority(deps: ByLogDeps & Pick<TrustDeps, 'now'>): FindAuthority {
  return async (question) => {
    const { operatorId } = question
    const nowS = deps.now() / 1_000
    const found = await decideByLog(deps, (rows) =>
      rows.statements(operatorId, operatorId, (known) => search(known, question, nowS)),
    )
    if ('basis' in found) return { scopes: found.scopes, edge: found.edge, exp: found.exp }
    const { refused } = found
    return { refused: refused === 'issuer' || refused === 'resource' || refused === 'scope' ? refused : 'ended' }
  }
}

interface Found extends Authority {
  readonly ok: true
  readonly basis: TrustBasis
}

interface Refused {
  readonly ok: false
  readonly refused: 'issuer' | 'resource' | 'scope'
}

/** An operator has at most one statement about each issuer that counts. */
function search({ graph, sources }: KnownGraph, question: AuthorityQuestion, nowS: number): Found | Refused {
  const { operatorId, issuer, resource, scopes } = question
  const edge = graph
    .from(operatorId, 'others')
    .find(({ kind, to, exp }) => kind === 'chains-to' && to === issuer && exp > nowS)
  const source = edge && sources.get(edge.id)
  if (edge === undefined || source === undefined || source.issuer !== undefined) return { ok: false, refused: 'issuer' }
  // A grant without an audience is for all audiences of the issuer.
  const grant = edge.grants.find(({ audience }) => audience === '' || audience === resource)
  if (grant === undefined) return { ok: false, refused: 'resource' }
  const mapped = mapScopes(grant, scopes)
  if (mapped === undefined) return { ok: false, refused: 'scope' }
  const author = { operatorId: source.signerId, epoch: source.epoch }
  const basis = { issuers: [], edges: [edge.id], authors: [author] }
  return { ok: true, edge: edge.id, scopes: mapped, exp: edge.exp, basis }
}
