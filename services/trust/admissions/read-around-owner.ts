import type pg from 'pg'
import { inTransaction } from '../../platform/db/transaction.ts'
import { buildGraph, type KnownGraph } from '../decide/known-graph.ts'
import { readPosition } from '../decide/read-position.ts'
import { type Around, readAround } from '../decide/read-statements.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import { readIssuers } from '../issuers/read-issuers.ts'

/** What decides who may call the audiences of one owner, as it was at one moment. */
export interface AroundOwner extends KnownGraph {
  readonly issuers: ReadonlyMap<string, KnownIssuer>
  /** The head of the revocation log, `<log epoch>-<sequence>`. */
  readonly position: string
  /**
   * Paths of at most this many edges are known. Longer ones are not, because too many statements decide about them.
   */
  readonly maxEdges: number
}

/**
 * Reads what decides about an owner. An empty id means nobody. `before` are issuers whose imported keys are reused.
 */
export type ReadAroundOwner = (owner: string, before?: ReadonlyMap<string, KnownIssuer>) => Promise<AroundOwner>

/**
 * The most statements that are read. Operators of other deployments can sign thousands, and an owner at most 1,000.
 */
const MAX_STATEMENTS = 20_000

/** What decides about the audiences of nobody. */
const NOTHING: Around = { statements: [], maxEdges: 3 }

/** Creates the function, which reads through a pool of the primary. */
export function createReadAroundOwner(pool: pg.Pool, maxStatements = MAX_STATEMENTS): ReadAroundOwner {
  return (owner, before) =>
    inTransaction(pool, 'snapshot', async (queries) => {
      const position = await readPosition(queries)
      const issuers = await readIssuers(queries, undefined, before)
      const { statements, maxEdges } = owner === '' ? NOTHING : await readAround(queries, owner, maxStatements)
      return { ...buildGraph(statements), issuers, position, maxEdges }
    })
}
