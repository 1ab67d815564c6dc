import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { TrustQuestion } from '../../../services/trust/decide/paths/decide-path.ts'
import type { TrustEdge } from '../../../services/trust/decide/paths/trust-edge.ts'

/**
 * The trust graph as its rules say it, without regard to speed: it tries every sequence of edges, and every sequence
 * of operators. It shares nothing with the server but the map of scopes.
 */
export class NaiveSearch {
  readonly #live: readonly TrustEdge[]
  readonly #question: TrustQuestion
  readonly #operators: readonly string[]

  constructor(edges: readonly TrustEdge[], question: TrustQuestion, operators: readonly string[]) {
    this.#live = edges.filter(({ exp }) => exp > question.nowS)
    this.#question = question
    this.#operators = operators
  }

  /** Returns the ids of the best path's edges; undefined if there is none. Blocks of the caller are not considered. */
  bestPath(): readonly string[] | undefined {
    const paths = this.#paths().map((path) => path.map(({ id }) => id))
    return paths.toSorted((one, other) => one.length - other.length || (one.join() < other.join() ? -1 : 1))[0]
  }

  isBlocked(operator: string): boolean {
    return this.#has('blocks', this.#question.owner, operator)
  }

  /** Returns every way to mend a no by one change, best first: `<signer> <kind> <to> <depth>`. */
  cures(): readonly string[] {
    const { owner, caller } = this.#question
    const others = this.#operators.filter((name) => name !== owner && name !== caller)
    const sequences = [[], ...others.map((one) => [one])]
    for (const one of others) for (const two of others) if (one !== two) sequences.push([one, two])
    return sequences
      .flatMap((groups) => {
        const changes = this.#changes([owner, ...groups, caller])
        return changes.length === 1 ? changes.map((change) => ({ change, groups })) : []
      })
      .toSorted((one, other) => {
        const isOwners = ({ change }: typeof one) => change.startsWith(`${owner} `)
        return (
          Number(isOwners(other)) - Number(isOwners(one)) ||
          one.groups.length - other.groups.length ||
          (one.groups.join() < other.groups.join() ? -1 : 1)
        )
      })
      .map(({ change }) => change)
  }

  /** Returns what has to change so that these operators form a path. */
  #changes(nodes: readonly string[]): readonly string[] {
    const [owner = '', next = ''] = nodes
    const groups = nodes.slice(1, -1)
    const changes = groups.filter((group) => this.isBlocked(group)).map((group) => `${owner} blocks ${group} 0`)
    const depth = groups.length
    const kind = depth === 0 ? 'lets-call' : 'accepts-members-of'
    const starts = this.#starts().filter((edge) => edge.to === next && edge.depth >= depth)
    const isStart = (edge: TrustEdge) => (depth === 0) === (edge.kind !== 'accepts-members-of')
    if (!starts.some(isStart)) changes.push(`${owner} ${kind} ${next} ${depth}`)
    for (const [at, group] of groups.entries()) {
      const member = nodes[at + 2] ?? ''
      if (!this.#has('member', group, member)) changes.push(`${group} member ${member} 0`)
    }
    return changes
  }

  #paths(): readonly (readonly TrustEdge[])[] {
    return this.#starts().flatMap((start) => {
      if (start.kind === 'accepts-members-of') return this.#chains([start], start.depth)
      return start.to === this.#question.caller ? [[start]] : []
    })
  }

  /** Returns each way to continue a path to the caller by at most `most` member edges. */
  #chains(path: readonly TrustEdge[], most: number): readonly (readonly TrustEdge[])[] {
    const group = path.at(-1)?.to ?? ''
    if (most === 0 || this.isBlocked(group)) return []
    const longer = this.#live
      .filter(({ kind, from }) => kind === 'member' && from === group)
      .map((member) => path.concat(member))
    const complete = longer.filter((each) => each.at(-1)?.to === this.#question.caller)
    return [...complete, ...longer.flatMap((each) => this.#chains(each, most - 1))]
  }

  /** Returns the edges of the owner with which a path can begin. */
  #starts(): readonly TrustEdge[] {
    const { owner, audience, host, scopes } = this.#question
    return this.#live.filter(({ kind, from, grants }) => {
      if (from !== owner) return false
      if (kind === 'caller') return grants.some((grant) => [audience, host].includes(grant.audience))
      if (kind !== 'lets-call' && kind !== 'accepts-members-of') return false
      return grants.some((grant) => grant.audience === audience && mapScopes(grant, scopes) !== undefined)
    })
  }

  #has(kind: TrustEdge['kind'], from: string, to: string): boolean {
    return this.#live.some((edge) => edge.kind === kind && edge.from === from && edge.to === to)
  }
}
