import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { Caller } from './caller.ts'
import { queryOf } from './pages.ts'
import { readAdmissions, type TrustAdmissions } from './trust-admissions.ts'

/** Whether a token of one operator would be accepted at an audience of another. */
export interface TrustQuestion {
  /** The caller: a domain or an operator id. */
  readonly from: string
  /** The audience: a URL or host name. */
  readonly to: string
  /** Scopes of the caller's token, separated by spaces. */
  readonly scope?: string | undefined
  /** Issuer of the caller's deployment, if more than one speaks for the domain. */
  readonly home?: string | undefined
}

/** What to export of the graph. */
export interface TrustGraphOptions {
  /** By default `json`. */
  readonly format?: 'json' | 'svg' | undefined
  /** Only operators within two edges of this domain or operator id. */
  readonly around?: string | undefined
}

const edge = {
  kind: 'text',
  edge_id: 'text?',
  from: 'text?',
  to: 'text?',
  proof: 'text?',
  expires_at: 'text?',
} as const satisfies Shape
/** An edge of a path. Of a statement that the asker may not see, only `kind` is set. */
export type TrustPathEdge = Answer<typeof edge>

const missingEdge = { kind: 'text', from: 'text', to: 'text', state: 'text' } as const satisfies Shape
/** The edge that is missing, and why. */
export type TrustMissingEdge = Answer<typeof missingEdge>

const cure = { who: 'text', signatures: 'count', draft: 'any', command: 'text' } as const satisfies Shape
/** Who can mend it, and how. `parseTrustDraft` of `@auth4agent/core` reads `draft`. */
export type TrustCure = Answer<typeof cure>

const leg = {
  leg: 'text',
  ok: 'flag',
  path: 'any',
  missing: 'any',
  cures: 'any',
  max_staleness_ms: 'count?',
  as_of: 'text?',
} as const satisfies Shape
/** One need: identity, permission or freshness. `missing` is undefined if it is met. */
export type TrustLeg = Omit<Answer<typeof leg>, 'path' | 'missing' | 'cures'> & {
  readonly path: readonly TrustPathEdge[]
  readonly missing: TrustMissingEdge | undefined
  readonly cures: readonly TrustCure[]
}

const explanation = {
  allowed: 'flag',
  position: 'text',
  legs: 'any',
  effective_scopes: 'texts?',
} as const satisfies Shape
/** The answer to a question. All legs must be ok. */
export type TrustExplanation = Omit<Answer<typeof explanation>, 'legs'> & { readonly legs: readonly TrustLeg[] }

const graph = { document: 'text', media_type: 'text', nodes: 'count', edges: 'count' } as const satisfies Shape
/** A graph as a document of the media type. */
export type ExportedTrustGraph = Answer<typeof graph>

/** What a link shows. */
export interface TrustViewOptions {
  /** Only operators within two edges of this domain or operator id. */
  readonly around?: string | undefined
}

const view = { url: 'text', expires_at: 'text' } as const satisfies Shape
/** A link to a page. Everybody who has it sees the graph until it expires. */
export type TrustViewLink = Answer<typeof view>

/** Questions about the graph that trust statements make. */
export interface TrustQuestions {
  /**
   * Explains whether a token of the caller would be accepted, by which path, and else what is missing and who can add
   * it. Only the caller's operator, the audience's owner and the administrator may ask.
   *
   * @example
   *
   * ```ts
   * const { allowed, legs } = await operator.explainTrust({
   *   from: 'bolt.example',
   *   to: 'https://api.cargo.example/v1',
   *   scope: 'orders:read',
   * })
   * for (const { cures } of legs) for (const { who, command } of cures) console.log(`${who}: ${command}`)
   * ```
   */
  explainTrust(question: TrustQuestion): Promise<TrustExplanation>
  /**
   * Lists who of other deployments may call an audience. Only the owner of the audience and the administrator may ask.
   *
   * @example
   *
   * ```ts
   * const { admissions } = await operator.listAdmissions('https://api.cargo.example/v1')
   * for (const { domain, scopes } of admissions) console.log(domain, scopes.map(({ scope }) => scope))
   * ```
   */
  listAdmissions(audience: string): Promise<TrustAdmissions>
  /** Exports the graph that the asker may see. */
  trustGraph(options?: TrustGraphOptions): Promise<ExportedTrustGraph>
  /**
   * Makes a link to the page that shows the graph which the asker may see. It works for 5 minutes without a key, and
   * shows nothing else.
   *
   * @example
   *
   * ```ts
   * const { url } = await operator.createTrustView({ around: 'bolt.example' })
   * ```
   */
  createTrustView(options?: TrustViewOptions): Promise<TrustViewLink>
}

const QUESTION_NAMES: Names<TrustQuestion> = { from: true, to: true, scope: true, home: true }
const VIEW_NAMES: Names<TrustViewOptions> = { around: true }
const GRAPH_NAMES: Names<TrustGraphOptions> = { format: true, around: true }

/** Makes the questions of one party. */
export function trustQuestions(caller: Pick<Caller, 'call' | 'page'>, party: string): TrustQuestions {
  return {
    async explainTrust(question) {
      refuseUnknownNames('question', question, QUESTION_NAMES)
      const call = { method: 'POST', path: '/v1/trust/explain', body: question }
      const answer = readAnswer(explanation, await caller.call(party, call))
      return { ...answer, legs: readAnswers(leg, answer.legs).map(readLeg) }
    },
    listAdmissions: (audience) => readAdmissions(caller, party, audience),
    async trustGraph(options = {}) {
      refuseUnknownNames('option', options, GRAPH_NAMES)
      const query = queryOf({ ...options })
      return readAnswer(graph, await caller.call(party, { method: 'GET', path: '/v1/trust/graph', query }))
    },
    async createTrustView(options = {}) {
      refuseUnknownNames('option', options, VIEW_NAMES)
      const call = { method: 'POST', path: '/v1/trust/views', body: options }
      return readAnswer(view, await caller.call(party, call))
    },
  }
}

function readLeg({ path, missing, cures, ...rest }: Answer<typeof leg>): TrustLeg {
  return {
    ...rest,
    path: readAnswers(edge, path ?? []),
    missing: missing === undefined || missing === null ? undefined : readAnswer(missingEdge, missing),
    cures: readAnswers(cure, cures ?? []),
  }
}
