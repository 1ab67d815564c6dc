import { Search, type TrustQuestion } from './search.ts'
import { findPath, survey } from './survey.ts'
import type { TrustEdge } from './trust-edge.ts'
import type { TrustGraph } from './trust-graph.ts'

export type { TrustQuestion } from './search.ts'

/** Whether the owner of an audience lets the caller's agents call it. */
export type Decision =
  | {
      readonly allowed: true
      /** From owner to caller, at most three edges. Empty for the owner's own agents. */
      readonly path: readonly TrustEdge[]
      /** Scopes at the audience, sorted. */
      readonly effectiveScopes: readonly string[]
      readonly visited: number
    }
  | {
      readonly allowed: false
      /** `blocked` if the owner blocks the caller itself. A block on a group only removes the paths through it. */
      readonly why: 'blocked' | 'not-found'
      readonly visited: number
    }

/**
 * Decides by the graph whether the caller may call an audience with all of its scopes.
 *
 * Paths from owner to caller are: `lets-call`; `caller`; or `accepts-members-of` and then as many `member` edges as
 * its depth, at most. The owner's edge alone maps the scopes. `visited` counts the nodes and edges that were read: at
 * most 3(V + E) of the graph.
 */
export function decide(graph: TrustGraph, question: TrustQuestion): Decision {
  const { owner, caller, scopes } = question
  const search = new Search(graph, question)
  if (owner === caller) {
    return { allowed: true, path: [], effectiveScopes: [...new Set(scopes)].toSorted(), visited: search.visited }
  }
  const around = survey(search)
  const callerNode = graph.findNode(caller)
  if (callerNode !== undefined && around.blocks.has(callerNode)) {
    return { allowed: false, why: 'blocked', visited: search.visited }
  }
  const path = findPath(search, around)
  const [first] = path ?? []
  const effectiveScopes = first === undefined ? undefined : search.scopesOf(first)
  if (path === undefined || effectiveScopes === undefined) {
    return { allowed: false, why: 'not-found', visited: search.visited }
  }
  return { allowed: true, path: path.map((row) => graph.edgeAt(row)), effectiveScopes, visited: search.visited }
}
