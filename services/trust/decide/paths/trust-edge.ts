import type { EdgeKind, TrustGrant } from '@auth4agent/core/trust/statement'

/** Kinds of edges. `caller` comes from the policy of an audience's owner, the others from trust statements. */
export type GraphEdgeKind = EdgeKind | 'caller'

/** An edge of the trust graph. */
export interface TrustEdge {
  /** Unique in the graph. */
  readonly id: string
  readonly kind: GraphEdgeKind
  /** Node of the operator that made the edge. A node is any text that names one operator and no other. */
  readonly from: string
  /** Node of the other operator; the issuer's URL for `chains-to`. */
  readonly to: string
  /** Largest number of `member` edges that may follow: 1 or 2 for `accepts-members-of`, else 0. */
  readonly depth: number
  /** Empty for `member` and `blocks`. For `caller`, the audience of the policy's rule; its scope map is not read. */
  readonly grants: readonly TrustGrant[]
  /** When the edge ends, in Unix seconds. */
  readonly exp: number
}
