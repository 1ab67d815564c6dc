import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { FederationOptions } from '../federation/documents.ts'
import type { ChallengeKeyring, KeyVault } from '../keys/index.ts'
import type { Database } from '../platform/db/database.ts'
import type { Db } from '../platform/db/db.ts'
import type { ResolveTxt } from '../platform/dns/resolve-txt.ts'
import type { FairPlaces } from '../platform/limits/fair-places.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Outbound } from '../platform/outbound/outbound.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { TokenStatus } from '../revocation/index.ts'
import type { Knowledge } from './decide/knowledge.ts'
import type { ForeignLists } from './issuers/revocations/foreign-lists.ts'
import type { ForeignLogs } from './issuers/revocations/foreign-logs.ts'

/** Options of createTrust. */
export interface TrustOptions {
  readonly db: Db
  /** Connections for lists and explanations. */
  readonly readDb: Db
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  /** The issuer of this deployment. */
  readonly issuer: string
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  readonly tokenStatus: TokenStatus
  /** Seals the secrets of this deployment at foreign issuers. */
  readonly vault: KeyVault
  /** Seals the links to the page that shows the graph. */
  readonly challengeKeys: ChallengeKeyring
  /** Fetches from foreign issuers. */
  readonly outbound: Outbound
  readonly resolveTxt: ResolveTxt
  /** Whether `localhost` and names under `.test` mean this machine, and there is no DNS for names under `.test`. */
  readonly testDomains: boolean
  /** `skewS`: how far clocks may differ, in seconds. */
  readonly settings: { readonly skewS: number }
  /** What this deployment shows of itself in federations. */
  readonly federation: Omit<FederationOptions, 'issuer' | 'now'>
  readonly log: Logger
  /** How long statements are kept that count no more, in milliseconds; undefined means for good. */
  readonly retentionMs: number | undefined
  /** Where the notifications of the database are heard. */
  readonly database: Database
}

/** Begins work that keeps the rows about foreign issuers current, and does not wait for it. */
interface ForeignWork {
  /** Fetches the keys of the issuers that are due. */
  wakeKeys(): void
  /** Proves by DNS that an admitted issuer speaks for a domain. */
  proveNow(issuerId: string, domain: string): void
}

/** Dependencies of the handlers of IssuerService and TrustService. */
export interface TrustDeps extends TrustOptions {
  readonly knowledge: Knowledge
  readonly foreign: ForeignWork
  readonly logs: ForeignLogs
  readonly lists: ForeignLists
  /** Shares the graphs that everybody may ask for, by source. */
  readonly graphPlaces: FairPlaces
}
