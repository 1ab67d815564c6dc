import type { TrustDraft } from '@auth4agent/core/trust/statement'
import type { TrustEdge } from '../../decide/paths/trust-edge.ts'
import type { Party } from '../../decide/read-statements.ts'

/** An edge that has ended. */
export interface EndedEdge extends TrustEdge {
  readonly state: 'expired' | 'revoked'
}

/** An edge that would have to change. */
export interface MissingEdge {
  readonly kind: 'lets-call' | 'accepts-members-of' | 'member' | 'blocks'
  /** Domains of the operators, to show. */
  readonly from: string
  readonly to: string
  /** Nodes of the operators. */
  readonly fromNode: string
  readonly toNode: string
  /** Why it does not let the caller pass. Only a `blocked` edge is there and should not be. */
  readonly state: 'absent' | 'expired' | 'revoked' | 'scope-unmapped' | 'blocked'
  /** Id of the edge that has this state; absent if there is none. */
  readonly edge?: string
}

/** What one operator can do: the one from which the missing edge leads. */
export interface Cure {
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

/** What an explanation needs besides the graph. */
export interface ExplainContext {
  /** Issuer of this deployment, where the drafts shall count. */
  readonly issuer: string
  /** Names an operator by its node, in the graph or in the question. */
  readonly nameOf: (node: string) => Party
  /** Returns the command with which an operator cures a missing edge. */
  readonly commandFor: (cure: Pick<Cure, 'missing' | 'draft'>) => string
  /** Edges that have ended. They only say why an edge is missing, so some may be left out. */
  readonly ended: readonly EndedEdge[]
  /** Largest number of cures, at least 1; 5 by default. */
  readonly maxCures?: number
}
