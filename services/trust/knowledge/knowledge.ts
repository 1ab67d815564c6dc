import { isIssuerUrl } from '@auth4agent/core/identity/issuer-url'
import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import type pg from 'pg'
import { shareWork } from '../../platform/limits/share-work.ts'
import type { AnchorFacts } from '../../platform/metrics/issuer-metrics.ts'
import { inSnapshot } from './in-snapshot.ts'
import { buildGraph, type KnownGraph } from './known-graph.ts'
import type { KnownIssuer } from './known-issuer.ts'
import { readIssuers } from './read-issuers.ts'
import { readBetween, readStatements } from './read-statements.ts'

/** A copy of issuers, anchors and statements, as they were at one moment. */
interface Copy extends KnownGraph {
  readonly issuers: ReadonlyMap<string, KnownIssuer>
  readonly anchors: readonly AnchorFacts[]
}

/**
 * What this process knows of issuers and statements. A copy may say yes, if the revocation log says besides that
 * nothing of it has ended. It may never say no: what it lacks may have been added since.
 */
export interface Knowledge {
  /** The copy, or undefined if there is none that is young enough. */
  readonly copy: Copy | undefined
  /** Reads an issuer from the primary. */
  rereadIssuer(issuer: string): Promise<KnownIssuer | undefined>
  /** Reads the statements that can decide about an owner and a caller from the primary. */
  rereadBetween(owner: string, caller: string): Promise<KnownGraph>
  /** Reads a new copy. Calls that come meanwhile share the next reading. */
  refresh(): Promise<void>
  /** Calls the listener after each reading of a copy. */
  onCopy(listener: (copy: Copy) => void): void
}

/**
 * How long a copy may be used, in milliseconds. The revocation log keeps each record for 65 minutes, so the record of
 * every end since the copy was read is still in the log (rule j of the revocation README).
 */
export const MAX_AGE_MS = 1_800_000

/** Creates the knowledge, without a copy at first. */
export function createKnowledge(pool: pg.Pool): Knowledge {
  let current: { readonly copy: Copy; readonly readAt: Moment } | undefined
  const listeners: ((copy: Copy) => void)[] = []
  const refresh = shareWork(async () => {
    const readAt = present()
    const copy = await readCopy(pool, current?.copy.issuers)
    current = { copy, readAt }
    for (const listener of listeners) listener(copy)
  })
  const rereadIssuer = shareWork(async (issuer) =>
    // Tokens and grants name any text, such as one with a NUL, which PostgreSQL cannot compare.
    isIssuerUrl(issuer) ? (await readIssuers(pool, issuer, current?.copy.issuers)).get(issuer) : undefined,
  )
  const rereadBetween = shareWork(async (parties) => {
    const [owner = '', caller = ''] = parties.split(' ')
    const { known, take } = buildGraph()
    take(await readBetween(pool, owner, caller))
    return known
  })
  return {
    get copy() {
      return current !== undefined && msSince(current.readAt) < MAX_AGE_MS ? current.copy : undefined
    },
    rereadIssuer,
    rereadBetween: (owner, caller) => rereadBetween(`${owner} ${caller}`),
    refresh: () => refresh(''),
    onCopy: (listener) => void listeners.push(listener),
  }
}

const ANCHORS = 'SELECT entity_id AS "entityId", coalesce(cardinality(unpinned_kids), 0) AS unpinned FROM trust_anchors'

/** Reads everything in one snapshot of the primary. */
function readCopy(pool: pg.Pool, before: Copy['issuers'] | undefined): Promise<Copy> {
  return inSnapshot(pool, async (client) => {
    const issuers = await readIssuers(client, undefined, before)
    const { known, take } = buildGraph()
    await readStatements(client, take)
    const { rows: anchors } = await client.query<AnchorFacts>(ANCHORS)
    return { ...known, issuers, anchors }
  })
}
