import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import type { Audience } from '@auth4agent/core/token/audience'
import type pg from 'pg'
import { inTransaction } from '../../platform/db/transaction.ts'
import { shareWork } from '../../platform/limits/share-work.ts'
import type { AnchorFacts } from '../../platform/metrics/issuer-metrics.ts'
import { type Cause, ownCause } from '../../platform/trace/span.ts'
import type { KnownIssuer } from '../issuers/known-issuer.ts'
import { readIssuers } from '../issuers/read-issuers.ts'
import { createKeeper } from './keeper.ts'
import { buildGraph, type KnownGraph } from './known-graph.ts'
import { readBetween } from './read-statements.ts'
import { createRows, type Owner, type Rows } from './rows.ts'

/** All issuers and anchors, as they were at one moment. They are few, because only administrators admit them. */
interface Copy {
  readonly issuers: ReadonlyMap<string, KnownIssuer>
  readonly anchors: readonly AnchorFacts[]
}

/** What this process knows of issuers, statements and owners. */
export interface Knowledge {
  /** Rows that this process remembers. It reads what it does not remember, and what is needed for a no. */
  readonly remembered: Rows
  /** Rows as they are now. */
  readonly current: Rows
  /** The newest copy of all issuers. Empty if there is none that is young enough. */
  readonly copy: Copy
  /** Reads a new copy. Calls that come meanwhile share the next reading. */
  refresh(): Promise<void>
  /** Calls the listener after each reading of a copy. */
  onCopy(listener: (copy: Copy) => void): void
}

/** Options of createKnowledge. */
interface KnowledgeOptions {
  readonly pool: pg.Pool
  readonly operators: {
    lookupAudienceOwner(request: { readonly host: string; readonly audiences: string[] }, cause: Cause): Promise<Owner>
  }
}

/**
 * How long a row may be used, in milliseconds. The revocation log keeps each record for 65 minutes, so the record of
 * every end since the row was read is still in the log (rule j of the revocation README).
 */
export const MAX_AGE_MS = 1_800_000
/**
 * How long statements are remembered, in milliseconds. It is shorter than it could be, because the log does not tell
 * that another deployment has not listed its statements for a while.
 */
const STATEMENTS_MS = 60_000
/** The most that is remembered of statements, in bytes of JSON. In memory, they need several times as much. */
const MAX_STATEMENTS_BYTES = 16 * 1_048_576
/** How long an owner is remembered, in milliseconds. An operator that proves a longer domain waits so long. */
const OWNER_MS = 5_000
const MAX_OWNERS = 20_000

const NOTHING: Copy = { issuers: new Map(), anchors: [] }
const ANCHORS = 'SELECT entity_id AS "entityId", coalesce(cardinality(unpinned_kids), 0) AS unpinned FROM trust_anchors'

/** Creates the knowledge, without a copy at first. */
export function createKnowledge({ pool, operators }: KnowledgeOptions): Knowledge {
  let newest: { readonly copy: Copy; readonly readAt: Moment } | undefined
  const listeners: ((copy: Copy) => void)[] = []
  const pairs = createKeeper<KnownGraph>({ maxAgeMs: STATEMENTS_MS, most: MAX_STATEMENTS_BYTES })
  const owners = createKeeper<Owner>({ maxAgeMs: OWNER_MS, most: MAX_OWNERS })
  const copy = () => (newest !== undefined && msSince(newest.readAt) < MAX_AGE_MS ? newest.copy : NOTHING)

  const readPair = shareWork(async (pair) => {
    const [owner = '', caller = ''] = pair.split(' ')
    const readAt = present()
    const rows = await readBetween(pool, owner, caller)
    const known = buildGraph(rows)
    pairs.keep(pair, known, { weight: JSON.stringify(rows).length + pair.length, readAt })
    return known
  })
  const reads = {
    issuer: shareWork(async (issuer) =>
      // Tokens and grants name any text, such as one with a NUL, which PostgreSQL cannot compare.
      isIssuerUrl(issuer) ? (await readIssuers(pool, issuer, newest?.copy.issuers)).get(issuer) : undefined,
    ),
    statements: (owner: string, caller: string) => readPair(`${owner} ${caller}`),
    async owner({ host, text }: Audience) {
      const readAt = present()
      const owner = await operators.lookupAudienceOwner({ host, audiences: [text] }, ownCause('trust'))
      owners.keep(text, owner, { weight: 1, readAt })
      return owner
    },
  }
  const memory = {
    issuer: (issuer: string) => copy().issuers.get(issuer),
    statements: (owner: string, caller: string) => pairs.get(`${owner} ${caller}`),
    owner: (audience: string) => owners.get(audience),
  }
  const refresh = shareWork(async () => {
    const readAt = present()
    newest = { copy: await readCopy(pool, newest?.copy.issuers), readAt }
    for (const listener of listeners) listener(newest.copy)
  })
  return {
    remembered: createRows(reads, memory),
    current: createRows(reads),
    get copy() {
      return copy()
    },
    refresh: () => refresh(''),
    onCopy: (listener) => void listeners.push(listener),
  }
}

function readCopy(pool: pg.Pool, before: Copy['issuers'] | undefined): Promise<Copy> {
  return inTransaction(pool, 'snapshot', async (client) => {
    const issuers = await readIssuers(client, undefined, before)
    const { rows: anchors } = await client.query<AnchorFacts>(ANCHORS)
    return { issuers, anchors }
  })
}
