import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { TrustEdge } from '../../decide/paths/trust-edge.ts'

/** An edge that has ended. */
export interface EndedEdge extends TrustEdge {
  readonly state: 'expired' | 'revoked'
}

/**
 * Why an edge does not let the caller pass. `blocked` is the only state of an edge that is there and should not be.
 */
export type MissingState = 'absent' | 'expired' | 'revoked' | 'scope-unmapped' | 'blocked'

/** An edge that would have to change. */
export interface MissingEdge {
  readonly kind: 'lets-call' | 'accepts-members-of' | 'member' | 'blocks'
  /** Domains of the operators, to show. */
  readonly from: string
  readonly to: string
  /** Nodes of the operators. */
  readonly fromNode: string
  readonly toNode: string
  readonly state: MissingState
  /** Id of the edge that has this state; absent if there is none. */
  readonly edge?: string
}

/** What one operator can do. */
export interface Cure {
  /** Domain of the operator that has to act. */
  readonly who: string
  readonly whoNode: string
  /** How many statements must be signed or revoked until the answer is yes, by all parties together. */
  readonly signatures: number
  readonly missing: MissingEdge
  /** What the operator can sign. Absent if the operator has to revoke a statement. */
  readonly draft?: TrustDraft
  readonly command: string
}

/** What would have to change. */
export interface Explanation {
  /** Best first; the first one changes the edge that is missing. Empty for a yes. */
  readonly cures: readonly Cure[]
  /** Nodes and edges that were read, at most 3(V + E) of the graph. */
  readonly visited: number
}

/** Who an operator of the graph is. */
interface OperatorName {
  readonly operatorId: string
  readonly domain: string
  /** Issuer of its deployment. */
  readonly home: string
}

/** What an explanation needs besides the graph. */
export interface ExplainContext {
  /** Issuer of this deployment, where the drafts shall count. */
  readonly issuer: string
  /** Names an operator by its node, in the graph or in the question. */
  readonly nameOf: (node: string) => OperatorName
  /** Returns the command with which an operator cures a missing edge. */
  readonly commandFor: (cure: Pick<Cure, 'missing' | 'draft'>) => string
  /** Edges that have ended. They only say why an edge is missing, so some may be left out. */
  readonly ended: readonly EndedEdge[]
  /** Largest number of cures, at least 1; 5 by default. */
  readonly maxCures?: number
}
