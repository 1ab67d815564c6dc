import { Search, type TrustQuestion } from './search.ts'
import { findPath, type Survey, survey } from './survey.ts'
import type { TrustEdge } from './trust-edge.ts'
import type { TrustGraph } from './trust-graph.ts'

export type { TrustQuestion } from './search.ts'

/** Whether the owner of an audience lets the caller's agents call it. */
export type PathDecision =
  | {
      readonly allowed: true
      /** From owner to caller, at most three edges. Empty for the owner's own agents. */
      readonly path: readonly TrustEdge[]
      /** Scopes at the audience, sorted. */
      readonly effectiveScopes: readonly string[]
      readonly visited: number
    }
  | PathRefusal

/** That the owner of an audience does not let the caller's agents call it. */
interface PathRefusal {
  readonly allowed: false
  /** The owner's edge that blocks the caller itself. A block on a group only removes the paths through it. */
  readonly block: TrustEdge | undefined
  /** Whether there is a path, which only the block stops. */
  readonly hasPath: boolean
  readonly visited: number
  /** What was read for the answer. */
  readonly search: Search
  readonly around: Survey
}

/**
 * Decides by the graph whether the caller may call an audience with all of its scopes.
 *
 * Paths from owner to caller are: `lets-call`; `caller`; or `accepts-members-of` and then as many `member` edges as
 * its depth, at most. The owner's edge alone maps the scopes. `visited` counts the nodes and edges that were read: at
 * most 3(V + E) of the graph.
 */
export function decidePath(graph: TrustGraph, question: TrustQuestion): PathDecision {
  const { owner, caller, scopes } = question
  const search = new Search(graph, question)
  if (owner === caller) {
    return { allowed: true, path: [], effectiveScopes: [...new Set(scopes)].toSorted(), visited: search.visited }
  }
  const around = survey(search)
  const path = findPath(search, around)
  const block = around.blocks.get(caller)
  const [first] = path ?? []
  const effectiveScopes = first && search.scopesOf(first)
  if (block !== undefined || path === undefined || effectiveScopes === undefined) {
    return { allowed: false, block, hasPath: path !== undefined, visited: search.visited, search, around }
  }
  return { allowed: true, path, effectiveScopes, visited: search.visited }
}
