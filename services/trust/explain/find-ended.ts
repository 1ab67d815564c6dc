import type { TrustBasis, TrustVerdict } from '@auth4agent/core/revocation/revocation-log'
import type { TrustEdge } from '../graph/trust-edge.ts'
import type { KnownGraph } from '../knowledge/known-graph.ts'
import type { KnownIssuer } from '../knowledge/known-issuer.ts'
import type { ExplainDeps } from './deps.ts'
import type { Identity } from './explain-identity.ts'

/** An edge of a path, with what must stay true for it. */
export interface Step {
  readonly edge: TrustEdge
  /** The issuer of its signer's deployment; undefined for an operator of this deployment. */
  readonly home: string | undefined
  /** Undefined also if this process does not know that issuer yet. */
  readonly issuer: KnownIssuer | undefined
  /** What the log of this deployment must not have ended. */
  readonly here: TrustBasis
  /** What the log of the signer's deployment must not have ended. */
  readonly abroad: TrustBasis
}

/** What has ended although the rows do not say so yet. */
interface Ended {
  readonly identity?: TrustVerdict
  /** The first edge of the path. */
  readonly step?: TrustEdge
}

/** Collects what must stay true for an edge of a path. */
export function stepOf({ knowledge }: Pick<ExplainDeps, 'knowledge'>, { sources }: KnownGraph, edge: TrustEdge): Step {
  const { signerId = '', epoch = 0, issuer: home, domainEdge } = sources.get(edge.id) ?? {}
  const author = { operatorId: signerId, epoch }
  const issuer = home === undefined ? undefined : knowledge.copy?.issuers.get(home)
  const here = {
    issuers: issuer === undefined ? [] : [{ issuer: issuer.issuer, generation: issuer.generation }],
    edges: domainEdge === undefined ? [edge.id] : [edge.id, domainEdge],
    authors: home === undefined ? [author] : [],
  }
  return { edge, home, issuer, here, abroad: { issuers: [], edges: [edge.id], authors: [author] } }
}

/** Looks up identity and path in the log of this deployment, and statements of others in theirs. */
export async function findEnded(
  { tokenStatus, logs }: Pick<ExplainDeps, 'tokenStatus' | 'logs'>,
  { issuer, domain }: Identity,
  steps: readonly Step[],
): Promise<Ended> {
  const identity =
    issuer === undefined || domain === undefined
      ? NOTHING
      : {
          issuers: [{ issuer: issuer.issuer, generation: issuer.generation }],
          edges: [domain.edgeId],
          authors: [],
        }
  const verdicts = await Promise.all([identity, ...steps.map(({ here }) => here)].map((basis) => check(basis)))
  const [first, ...others] = verdicts
  const step = steps.find(
    ({ home, abroad }, at) =>
      others[at] !== undefined || (home !== undefined && logs.of(home)?.lookupTrust(abroad) !== undefined),
  )
  return { ...(first && { identity: first }), ...(step && { step: step.edge }) }

  async function check(basis: TrustBasis): Promise<TrustVerdict | undefined> {
    if (basis === NOTHING) return undefined
    const verdict = await tokenStatus.checkTrust(basis)
    return verdict === 'ISSUER_DISABLED' || verdict === undefined ? verdict : 'TRUST_ENDED'
  }
}

const NOTHING: TrustBasis = { issuers: [], edges: [], authors: [] }
