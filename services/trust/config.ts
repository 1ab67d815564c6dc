import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { KeyVault } from '../keys/index.ts'
import type { Db } from '../platform/db/db.ts'
import type { Logger } from '../platform/log/log.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { TokenStatus } from '../revocation/index.ts'

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
  readonly log: Logger
}

/** Dependencies of the handlers of IssuerService and TrustService. */
export type TrustDeps = TrustOptions
