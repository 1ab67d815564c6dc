import { compareTexts } from '../../decide/paths/survey.ts'
import type { TrustEdge } from '../../decide/paths/trust-edge.ts'

/**
 * A path that has all of its edges except one, which one operator can add; or the path that one `blocks` edge stops.
 */
export interface OpenPath {
  /** Operators from owner to caller. */
  readonly nodes: readonly string[]
  /** Place of the missing edge: 0 is the owner's. Of a blocked path, the place of the edge to the blocked group. */
  readonly at: number
  /** The owner's `blocks` edge that stops the path. */
  readonly block?: TrustEdge
  /** A live edge in place of the missing one that does not map all scopes. */
  readonly unmapped?: TrustEdge
}

/** Keeps the best paths that it is offered, best first, each once. */
export class BestPaths {
  readonly most: number
  readonly paths: OpenPath[] = []

  /** @param most how many paths it keeps, at least 1 */
  constructor(most: number) {
    this.most = most
  }

  offer(path: OpenPath): void {
    const place = this.paths.findIndex((kept) => compare(path, kept) <= 0)
    const kept = this.paths[place]
    if (kept !== undefined && compare(path, kept) === 0) return
    this.paths.splice(place < 0 ? this.paths.length : place, 0, path)
    if (this.paths.length > this.most) this.paths.pop()
  }

  /** Tells whether no path of three edges helps that begins with these operators and lacks a `member` edge. */
  hasBetterThan(nodes: readonly string[]): boolean {
    // The empty text stands for the lowest id.
    const possible = { nodes: [...nodes, '', ''], at: 1 }
    const last = this.paths[this.most - 1]
    return last !== undefined && compare(possible, last) > 0
  }
}

/** Orders paths: those that the owner can complete, then the shortest, then the lowest ids, from the owner on. */
function compare(one: OpenPath, other: OpenPath): number {
  const byOwner = Number(!isOwners(one)) - Number(!isOwners(other))
  if (byOwner !== 0) return byOwner
  if (one.nodes.length !== other.nodes.length) return one.nodes.length - other.nodes.length
  const at = one.nodes.findIndex((node, index) => node !== other.nodes[index])
  return at < 0 ? one.at - other.at : compareTexts(one.nodes[at] ?? '', other.nodes[at] ?? '')
}

function isOwners({ at, block }: OpenPath): boolean {
  return at === 0 || block !== undefined
}
