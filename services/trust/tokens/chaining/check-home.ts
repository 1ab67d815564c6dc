import { parseAudience } from '@auth4agent/core/token/audience'
import type { AccessTokenClaims, HomeToken } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { collectBasis, type PathBasis } from '../../decide/basis.ts'
import { type ByLogDeps, decideByLog } from '../../decide/by-log.ts'
import { checkStatementsAbroad, checkVouched, type Logs } from '../../decide/freshness.ts'
import { type Identified, identify, subjectOf } from '../../decide/identify.ts'
import type { KnownGraph } from '../../decide/known-graph.ts'
import type { Rows } from '../../decide/rows.ts'
import { stepsOf } from '../../decide/steps.ts'

/** A token of which `home` says that it was issued for a grant of another deployment. */
type Chained = Pick<AccessTokenClaims, 'sub' | 'operator_id' | 'aud' | 'edges' | 'exp'> & { readonly home: HomeToken }

/**
 * Returns why a token that was issued here for a grant of another deployment has ended there, or with something that
 * it rests on; undefined if it has not. A token of an agent of this deployment is undefined too.
 */
export type CheckHome = (
  claims: Omit<Chained, 'home'> & Pick<AccessTokenClaims, 'home'>,
) => Promise<Verdict | undefined>

/** Dependencies of createCheckHome. */
export interface CheckHomeDeps extends ByLogDeps {
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly logs: Logs
}

/**
 * Creates the function. The log of this deployment says the rest: rule k of services/revocation/README.md. The token
 * names its statements. Their signers, and the deployments of these, are looked up each time, because a token of such
 * a signer's deployment would be refused too.
 */
export function createCheckHome(deps: CheckHomeDeps): CheckHome {
  return async ({ home, ...claims }) => {
    if (home === undefined) return undefined
    const found = await decideByLog(deps, (rows) => rebuild(deps, rows, { ...claims, home }))
    if ('refused' in found) return found.refused
    const { sub, operator_id: operatorId, exp } = claims
    const vouched = { ...home, sub, operatorId, exp }
    return checkVouched(deps.logs, found.issuer, vouched) ?? checkStatementsAbroad(deps.logs, found)
  }
}

/** Collects what a token rests on. */
async function rebuild(
  { now }: CheckHomeDeps,
  rows: Rows,
  token: Chained,
): Promise<(PathBasis & Pick<Identified, 'issuer'>) | { readonly refused: Verdict }> {
  const { home, edges: [domainEdge, ...path] = [] } = token
  const identity = await rows.issuer(home.iss, (row) => identify(row, row && subjectOf(row, token), now()))
  if (!identity.ok) return identity
  const { issuer, domain } = identity
  if (issuer.generation !== home.generation) return { refused: 'ISSUER_DISABLED' }
  const found = domain.edgeId === domainEdge ? await readPath(rows, identity, token, path, now()) : undefined
  if (found === undefined) return { refused: 'TRUST_ENDED' }
  return now() < found.attestedUntil * 1_000 ? { ...found, issuer } : { refused: 'ISSUER_KEYS_UNAVAILABLE' }
}

/** Finds the statements that a token names. Returns undefined if one of them does not count. */
async function readPath(
  rows: Rows,
  identity: Identified,
  { aud: [text = ''], operator_id: operatorId }: Chained,
  path: readonly string[],
  nowMs: number,
): Promise<PathBasis | undefined> {
  const audience = parseAudience(text)
  if (audience === undefined || path.length === 0) return undefined
  const judge = async (known: KnownGraph) => {
    const edges = path.flatMap((id) => known.graph.edges.find((edge) => edge.id === id) ?? [])
    if (edges.length < path.length) return { ok: false } as const
    const found = collectBasis(await stepsOf(rows, known, edges, nowMs), identity)
    return found === undefined ? ({ ok: false } as const) : ({ ok: true, found } as const)
  }
  const judged = await rows.owner(audience, (owner) => rows.statements(owner.operatorId, operatorId, judge))
  return judged.ok ? judged.found : undefined
}
