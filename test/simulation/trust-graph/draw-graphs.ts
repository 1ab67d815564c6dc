import fc from 'fast-check'
import type { TrustQuestion } from '../../../services/trust/decide/paths/decide-path.ts'
import type { TrustEdge } from '../../../services/trust/decide/paths/trust-edge.ts'
import { ask, edge, grants, NOW_S } from '../../support/trust-graphs.ts'

/** A random graph and a question about it. */
export interface Drawn {
  readonly edges: readonly TrustEdge[]
  readonly question: TrustQuestion
}

const OPERATORS = ['a', 'b', 'c', 'd', 'e', 'f']
const OTHER_AUDIENCE = 'https://api.cargo.io/v2'
const operator = fc.constantFrom(...OPERATORS)
const grant = fc.constantFrom(
  grants({ read: ['r'], write: ['w'] }),
  grants({ read: ['list', 'get'] }),
  grants({ write: ['w'] }),
  [...grants({ read: ['r'] }, OTHER_AUDIENCE), ...grants({ write: ['w'] })],
)

/** Four of five are live, so that many graphs have paths. */
const exp = fc.constantFrom(NOW_S + 1, NOW_S + 2, NOW_S + 3, NOW_S + 4, NOW_S)

function drawn(
  kind: string,
  from: fc.Arbitrary<string>,
  to: fc.Arbitrary<string>,
): fc.Arbitrary<Omit<TrustEdge, 'id'>> {
  const depth = kind === 'accepts-members-of' ? fc.constantFrom(1, 2) : fc.constant(0)
  const isGranting = kind !== 'member' && kind !== 'blocks'
  const parts = fc.record({ from, to, exp, depth, grants: isGranting ? grant : fc.constant([]) })
  return parts.map((more) => edge(`x ${kind} y`, more))
}

/** Owner is often `a`, and caller often `f`. Else few random edges would concern a question. */
const owner = fc.oneof({ weight: 3, arbitrary: fc.constant('a') }, operator)
const anEdge = fc.oneof(
  { weight: 10, arbitrary: drawn('member', operator, operator) },
  { weight: 6, arbitrary: drawn('accepts-members-of', owner, operator) },
  { weight: 1, arbitrary: drawn('blocks', owner, operator) },
  { weight: 1, arbitrary: drawn('lets-call', owner, operator) },
  { weight: 1, arbitrary: drawn('caller', operator, operator) },
  { weight: 1, arbitrary: drawn('chains-to', operator, operator) },
)

/** Draws graphs of six operators with up to 30 edges. Ids of edges are in no order. */
export const graphs: fc.Arbitrary<Drawn> = fc
  .record({
    drawnEdges: fc.array(anEdge, { minLength: 6, maxLength: 30, size: 'max' }),
    salt: fc.integer({ min: 1, max: 96 }),
    parties: fc.oneof(
      { weight: 3, arbitrary: fc.constant(['a', 'f'] as const) },
      { weight: 1, arbitrary: fc.tuple(operator, operator).filter(([one, other]) => one !== other) },
    ),
    scopes: fc.subarray(['read', 'write']),
  })
  .map(({ drawnEdges, salt, parties: [from, to], scopes }) => ({
    // 97 is prime, so the ids differ.
    edges: drawnEdges.map((each, at) => ({ ...each, id: String(((at + 1) * salt) % 97).padStart(2, '0') })),
    question: ask({ owner: from, caller: to, scopes }),
  }))
