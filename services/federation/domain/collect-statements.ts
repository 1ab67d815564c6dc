import { parseNormalUrl } from '@auth4agent/core/platform/normal-url'
import { isSecureUrl } from '@auth4agent/core/platform/secure-url'
import { checkStatementTimes } from './chain-rules.ts'
import { checkOwnSignature } from './chain-signatures.ts'
import { FEDERATION_ENTITY } from './constraints.ts'
import { configurationUrl } from './entity-id.ts'
import {
  type EntityStatement,
  MAX_STATEMENT_BYTES,
  parseEntityStatement,
  type StatementResult,
} from './entity-statement.ts'
import { quote, refuse } from './refusal.ts'
import type { FetchLimits, ResolutionBudget } from './resolution-budget.ts'

/**
 * Fetches a statement from a URL that another party chose, and resolves with its text. Rejects if it does not get
 * exactly one answer with the status 200 and the media type `application/entity-statement+jwt` within the limits.
 */
export type FetchStatement = (url: string, limits: FetchLimits) => Promise<string>

/** Who must have issued a statement, and about whom. */
type Parties = Pick<EntityStatement, 'iss' | 'sub'>

/** Collects the statements of one resolution. It fetches each at most once (OpenID Federation 1.0 section 10.1). */
export class StatementCollector {
  readonly #fetch: FetchStatement
  readonly #budget: ResolutionBudget
  readonly #now: () => number
  readonly #known = new Map<string, StatementResult>()

  /** @param now returns the time in milliseconds since 1970. */
  constructor(fetch: FetchStatement, budget: ResolutionBudget, now: () => number) {
    this.#fetch = fetch
    this.#budget = budget
    this.#now = now
  }

  /** Gets the configuration of an entity (section 9). It must be signed with a key in it, and be valid now. */
  configuration(entityId: string): Promise<StatementResult> {
    return this.#once({ iss: entityId, sub: entityId }, async (parties) => {
      const result = await this.#get(configurationUrl(entityId), parties)
      if (!result.ok) return result
      const { statement } = result
      if (!this.#budget.takeSignatures(1)) return refuse('NOT_FETCHED', 'The search may verify no more signatures')
      return checkOwnSignature(statement) ?? checkStatementTimes(statement, this.#now() / 1_000) ?? result
    })
  }

  /** Gets what a superior says about an entity, from its fetch endpoint (section 8.1). */
  statement(superior: EntityStatement, subject: string): Promise<StatementResult> {
    return this.#once({ iss: superior.sub, sub: subject }, async (parties) => {
      const url = fetchUrl(superior, subject)
      if (url !== undefined) return this.#get(url, parties)
      return refuse(
        'FETCH_ENDPOINT_MISSING',
        `${quote(superior.sub)} must have a federation_fetch_endpoint, an https URL in its normal form`,
      )
    })
  }

  async #once(parties: Parties, get: (parties: Parties) => Promise<StatementResult>): Promise<StatementResult> {
    const name = JSON.stringify([parties.iss, parties.sub])
    const result = this.#known.get(name) ?? (await get(parties))
    this.#known.set(name, result)
    return result
  }

  async #get(url: string, parties: Parties): Promise<StatementResult> {
    const limits = this.#budget.takeFetch(MAX_STATEMENT_BYTES)
    if (limits === undefined) return refuse('NOT_FETCHED', 'The search may fetch no more statements')
    let text: string
    try {
      text = await this.#fetch(url, limits)
    } catch (error) {
      const why = error instanceof Error ? error.message : 'no answer'
      return refuse('NOT_FETCHED', `${quote(url)} must answer with an entity statement: ${quote(why)}`)
    }
    this.#budget.spendBytes(text.length)
    return checkParties(parseEntityStatement(text), parties)
  }
}

function fetchUrl({ metadata }: EntityStatement, subject: string): string | undefined {
  const endpoint: unknown = metadata.get(FEDERATION_ENTITY)?.['federation_fetch_endpoint']
  const url = parseNormalUrl(endpoint)
  if (url === undefined || !isSecureUrl(url.href)) return undefined
  url.searchParams.set('sub', subject)
  return url.href
}

/** Compares byte for byte: an answer about another entity must not count for the one that was asked for. */
function checkParties(result: StatementResult, { iss, sub }: Parties): StatementResult {
  if (!result.ok || (result.statement.iss === iss && result.statement.sub === sub)) return result
  return refuse('WRONG_STATEMENT', `The statement must be by ${quote(iss)} about ${quote(sub)}`)
}
