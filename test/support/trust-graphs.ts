import type { TrustGrant } from '@auth4agent/core/trust/statement'
import type { TrustQuestion } from '../../services/trust/decide/paths/decide-path.ts'
import type { GraphEdgeKind, TrustEdge } from '../../services/trust/decide/paths/trust-edge.ts'
import { TrustGraph } from '../../services/trust/decide/paths/trust-graph.ts'

/** When the questions are asked, in Unix seconds. */
export const NOW_S = 1_800_000_000
const AUDIENCE = 'https://api.cargo.io/v1'
const SCOPES: Record<string, readonly string[]> = { 'orders:read': ['read'], 'orders:write': ['write'] }
const KINDS: readonly GraphEdgeKind[] = ['lets-call', 'accepts-members-of', 'member', 'blocks', 'chains-to', 'caller']

/**
 * Makes a live edge from a sentence such as `cargo lets-call acme`. The sentence is also its id. A granting edge maps
 * `orders:read` to `read` and `orders:write` to `write` at the audience of {@link ask}. An `accepts-members-of` has
 * depth 1 unless `more` says otherwise.
 */
export function edge(sentence: string, more: Partial<TrustEdge> = {}): TrustEdge {
  const [from = '', word = '', to = ''] = sentence.split(' ')
  const kind = KINDS.find((each) => each === word)
  if (kind === undefined) throw new TypeError(`There is no edge of kind "${word}"`)
  const grants: readonly TrustGrant[] =
    kind === 'member' || kind === 'blocks' ? [] : [{ audience: AUDIENCE, scopes: SCOPES }]
  const depth = kind === 'accepts-members-of' ? 1 : 0
  return { id: sentence, kind, from, to, depth, grants, exp: NOW_S + 3_600, ...more }
}

/** Returns grants with one scope map at one audience. */
export function grants(
  scopes: Readonly<Record<string, readonly string[]>>,
  audience = AUDIENCE,
): readonly TrustGrant[] {
  return [{ audience, scopes }]
}

/** Builds a graph. A text is a sentence for {@link edge}. */
export function graphOf(...edges: readonly (TrustEdge | string)[]): TrustGraph {
  return new TrustGraph(edges.map((each) => (typeof each === 'string' ? edge(each) : each)))
}

/** Asks whether bolt may call cargo with the scope `orders:read`, with changes. */
export function ask(changes: Partial<TrustQuestion> = {}): TrustQuestion {
  const host = 'api.cargo.io'
  return { owner: 'cargo', caller: 'bolt', audience: AUDIENCE, host, scopes: ['orders:read'], nowS: NOW_S, ...changes }
}
