import type { KeyVault } from '../keys/index.ts'
import type { Db } from '../platform/db/db.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Outbound } from '../platform/outbound/outbound.ts'

/** Options of createPeople. */
export interface PeopleOptions {
  readonly db: Db
  /** Connections for lists. */
  readonly readDb: Db
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly passedTime: PassedTime
  /** The issuer of this deployment. */
  readonly issuer: string
  /** Seals the client secrets of this deployment at identity providers. */
  readonly vault: Pick<KeyVault, 'seal' | 'open'>
  /** Asks identity providers. */
  readonly outbound: Pick<Outbound, 'get' | 'close'>
  /** Whether `localhost` and names under `.test` mean this machine. */
  readonly testDomains: boolean
  readonly log: Pick<Logger, 'info'>
}
