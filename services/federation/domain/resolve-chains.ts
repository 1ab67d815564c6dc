import { setImmediate } from 'node:timers/promises'
import { MAX_INTERMEDIATES } from './chain-shape.ts'
import { type FetchStatement, StatementCollector } from './collect-statements.ts'
import { isEntityId } from './entity-id.ts'
import type { EntityStatement } from './entity-statement.ts'
import { type ChainRefusal, type FederationRefusal, quote, refuse, refuseChain } from './refusal.ts'
import { type Cut, ResolutionBudget } from './resolution-budget.ts'
import { findUnpinned, type TrustAnchor, type VerifiedChain, verifyChain } from './verify-chain.ts'

/** What a search works with. */
export interface SearchTools {
  readonly fetch: FetchStatement
  /** Returns the time in milliseconds since 1970. */
  readonly now: () => number
  readonly signal?: AbortSignal
}

/** A hint that the search did not follow to an anchor, and why. */
interface DeadEnd extends Omit<FederationRefusal, 'ok'> {
  /** The entities from the subject to the one that gave the hint. */
  readonly path: readonly string[]
  readonly hint: string
}

/** The chosen chain with its statements, or why there is none. `cut` says that the search ended early. */
export type Resolution = {
  readonly deadEnds: readonly DeadEnd[]
  readonly cut: Cut | undefined
  /** Of each anchor that the search has reached: the `kid` of each key that it publishes and that is not pinned. */
  readonly unpinned: ReadonlyMap<string, readonly string[]>
} & ({ readonly ok: true; readonly chain: VerifiedChain; readonly statements: readonly string[] } | ChainRefusal)

/** An entity that the search has reached, with the statements on the way from the subject. */
interface Reached {
  /** The entities from the subject to this one. */
  readonly path: readonly string[]
  readonly configuration: EntityStatement
  /** The configuration of the subject, and what each superior says about the entity below it. */
  readonly statements: readonly EntityStatement[]
}

interface ChainCandidate {
  readonly anchor: TrustAnchor
  readonly path: readonly string[]
  readonly statements: readonly EntityStatement[]
}

const MAX_HINTS = 8
const MAX_DEAD_ENDS = 64

/**
 * Searches for a trust chain from a subject up to one of the anchors (OpenID Federation 1.0 section 10.1), and
 * verifies what it finds. It goes level by level, so hints high above do not hide a short chain. Among the chains that
 * hold it chooses by the order of the anchors, then the shortest, then the first path by its bytes. It never combines
 * chains.
 *
 * Limits of a resolution: 8 hints of an entity, 32 fetches, 1 MiB, 16 chains, 200 signatures, 10 s. At a limit it
 * decides with what it has. To refresh a result, pass only the anchor of that result, so the result never moves to
 * another anchor.
 */
export async function resolveChains(
  subject: string,
  anchors: readonly TrustAnchor[],
  { fetch, now, signal }: SearchTools,
): Promise<Resolution> {
  const budget = new ResolutionBudget(now, signal)
  const search = new Search(new StatementCollector(fetch, budget, now), anchors)
  const missing = isEntityId(subject)
    ? await search.run(subject)
    : refuse('CLAIM_MALFORMED', 'The subject must be an entity identifier')
  const chosen =
    missing === undefined ? await choose(search.candidates(), budget, now) : refuseChain(undefined, missing)
  return { ...chosen, deadEnds: search.deadEnds, cut: budget.cut, unpinned: search.unpinned }
}

/**
 * Verifies candidates in the order of preference, until one holds. Others get their turn between two of them, because
 * a hostile federation can make many that are refused last.
 */
async function choose(candidates: readonly ChainCandidate[], budget: ResolutionBudget, now: () => number) {
  let first: ChainRefusal | undefined
  for (const { statements, anchor } of candidates) {
    await setImmediate()
    if (!budget.takeChain(statements.length)) break
    const result = verifyChain(statements, anchor, now() / 1_000)
    if (result.ok) return { ...result, statements: statements.map(({ text }) => text) }
    first ??= result
  }
  return first ?? refuseChain(undefined, { rule: 'CHAIN_NOT_FOUND', text: 'The hints must lead to a trust anchor' })
}

class Search {
  readonly deadEnds: DeadEnd[] = []
  readonly unpinned = new Map<string, readonly string[]>()
  readonly #collector: StatementCollector
  readonly #anchors: readonly TrustAnchor[]
  readonly #candidates: ChainCandidate[] = []

  constructor(collector: StatementCollector, anchors: readonly TrustAnchor[]) {
    this.#collector = collector
    this.#anchors = anchors
  }

  /** Collects candidates. Returns a refusal if the subject has no usable configuration. */
  async run(subject: string): Promise<FederationRefusal | undefined> {
    const own = await this.#collector.configuration(subject)
    if (!own.ok) return own
    const queue: Reached[] = [{ path: [subject], configuration: own.statement, statements: [own.statement] }]
    // The 32 fetches bound this loop: they reach few entities, and each edge between two entities costs one as well.
    for (const reached of queue) {
      for (const hint of this.#hintsOf(reached)) {
        const next = await this.#follow(reached, hint)
        if ('ok' in next) this.#bury(reached.path, hint, next)
        else if (this.#mayGoOn(reached, hint, next)) queue.push(next)
      }
    }
    return undefined
  }

  /** Returns the candidates in the order of preference. */
  candidates(): readonly ChainCandidate[] {
    const rank = ({ anchor }: ChainCandidate) => this.#anchors.indexOf(anchor)
    return this.#candidates.toSorted(
      (one, other) =>
        rank(one) - rank(other) ||
        one.path.length - other.path.length ||
        (one.path.join(' ') < other.path.join(' ') ? -1 : 1),
    )
  }

  #hintsOf({ path, configuration }: Reached): readonly string[] {
    const hints = [...new Set(configuration.authorityHints)]
    for (const hint of hints.slice(MAX_HINTS)) {
      this.#bury(path, hint, refuse('HINT_IGNORED', `An entity should have at most ${MAX_HINTS} authority_hints`))
    }
    return hints.slice(0, MAX_HINTS)
  }

  /** Goes from an entity to one of its superiors, if the superior says something about the entity. */
  async #follow({ path, configuration, statements }: Reached, hint: string): Promise<Reached | FederationRefusal> {
    if (path.includes(hint)) return refuse('LOOP', `${quote(hint)} is below itself`)
    const superior = await this.#collector.configuration(hint)
    if (!superior.ok) return superior
    const step = await this.#collector.statement(superior.statement, configuration.sub)
    if (!step.ok) return step
    return { path: [...path, hint], configuration: superior.statement, statements: [...statements, step.statement] }
  }

  /** Notes a candidate at an anchor. An anchor may have superiors too, so the search may go on from there. */
  #mayGoOn({ path: below }: Reached, hint: string, { path, configuration, statements }: Reached): boolean {
    const anchor = this.#anchors.find(({ entityId }) => entityId === hint)
    if (anchor !== undefined) {
      this.#candidates.push({ anchor, path, statements: [...statements, configuration] })
      this.unpinned.set(hint, findUnpinned(configuration, anchor))
    }
    const hasSuperiors = configuration.authorityHints.length > 0
    // The path begins with the subject, which is not an intermediate.
    const isTooDeep = path.length - 1 > MAX_INTERMEDIATES
    if (hasSuperiors && !isTooDeep) return true
    if (anchor !== undefined) return false
    const refusal = hasSuperiors
      ? refuse('TOO_DEEP', `There must be at most ${MAX_INTERMEDIATES} intermediates`)
      : refuse('ANCHOR_UNKNOWN', `${quote(hint)} must have superiors or be a trust anchor`)
    this.#bury(below, hint, refusal)
    return false
  }

  #bury(path: readonly string[], hint: string, { rule, text }: FederationRefusal): void {
    if (this.deadEnds.length < MAX_DEAD_ENDS) this.deadEnds.push({ path, hint, rule, text })
  }
}
