import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { ChallengeKeyring, KeyVault } from '../keys/index.ts'
import type { Db } from '../platform/db/db.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Outbound } from '../platform/outbound/outbound.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { RegistrationDeps } from './clients/registrations.ts'

/** Options of createPeople. */
export interface PeopleOptions extends RegistrationDeps {
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
  /** Seal what a browser brings back. */
  readonly challengeKeys: Pick<ChallengeKeyring, 'current' | 'find'>
  readonly operators: Pick<InternalClient<typeof OperatorDirectoryService>, 'lookupOperator'>
  /** Asks identity providers. */
  readonly outbound: Pick<Outbound, 'get' | 'post' | 'close'>
  /** Fetches documents of clients. It is another one, because anybody can name a slow server. */
  readonly clientOutbound: Pick<Outbound, 'get' | 'close'>
  /** Returns monotonic milliseconds. */
  readonly monotonic: () => number
  /**
   * Counts a document of a client that a source makes this server fetch.
   *
   * @throws ApiError RATE_LIMITED, from the function
   */
  readonly limitDocuments: (source: string) => void
  /** Counts a question whether an identity provider still vouches for a user, by its outcome. */
  readonly countCheck: (outcome: string) => void
  /** Count the codes of devices that a person types. They throw ApiError RATE_LIMITED. */
  readonly limitUserCodes: { readonly user: (key: string) => void; readonly source: (key: string) => void }
  /** Whether `localhost` and names under `.test` mean this machine. */
  readonly testDomains: boolean
  readonly log: Pick<Logger, 'info'>
}
