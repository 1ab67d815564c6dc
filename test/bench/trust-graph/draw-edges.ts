import type { TrustEdge } from '../../../services/trust/graph/trust-edge.ts'

/** Makes a graph for the benchmark. */
export interface GraphSize {
  readonly operators: number
  readonly edges: number
  /** How many different grants the edges have. */
  readonly grants: number
}

/** The owner of this many groups, and a caller that is in none of them. */
export const HUB = { groups: 200, owner: 'operator-hub', caller: 'operator-0' }
/** Unix seconds. */
export const NOW_S = 1_800_000_000
export const AUDIENCE = 'https://api.cargo.io/v1'
const FIRST_MEMBERS = 0.7

/** Returns numbers below a limit. The same seed gives the same numbers (Park and Miller). */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}

/** Returns the id of an operator. */
export function operatorId(number: number): string {
  return uuid(number, '1111')
}

/** Makes a text as long as a UUID. Its bytes lie together, as those of a text from the database do. */
function uuid(number: number, part: string): string {
  const text = `${String(number).padStart(8, '0')}-${part}-8${part.slice(1)}-8${part.slice(1)}-${part}${part}${part}`
  return Buffer.from(text).toString('latin1')
}

/** Makes edges: 70 % members of groups, which are every twentieth operator; the rest acceptances and lets-call. */
export function drawEdges({ operators, edges, grants }: GraphSize): TrustEdge[] {
  const draw = randomNumbers(17)
  const group = () => operatorId(20 * draw(Math.ceil(operators / 20)))
  const operator = () => operatorId(draw(operators))
  return Array.from({ length: edges }, (_none, at): TrustEdge => {
    const isMember = at < edges * FIRST_MEMBERS
    const isCall = at % 2 === 0
    const scopes = { 'orders:read': ['read'], [`scope:${draw(grants)}`]: ['write'] }
    return {
      id: uuid(at, '2222'),
      kind: isMember ? 'member' : isCall ? 'lets-call' : 'accepts-members-of',
      from: isMember ? group() : operator(),
      to: isMember || isCall ? operator() : group(),
      depth: isMember || isCall ? 0 : 1 + draw(2),
      grants: isMember ? [] : [{ audience: AUDIENCE, scopes }],
      exp: NOW_S + 1 + draw(1_000_000),
    }
  })
}

/** Makes edges of an owner that accepts many groups, to their second depth. */
export function drawHub(operators: number): TrustEdge[] {
  return Array.from({ length: HUB.groups }, (_none, at): TrustEdge => {
    const scopes = { 'orders:read': ['read'] }
    return {
      id: uuid(at, '3333'),
      kind: 'accepts-members-of',
      from: HUB.owner,
      to: operatorId(20 * ((at * 7) % Math.ceil(operators / 20))),
      depth: 2,
      grants: [{ audience: AUDIENCE, scopes }],
      exp: NOW_S + 1,
    }
  })
}
