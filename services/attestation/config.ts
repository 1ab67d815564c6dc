import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { ServerScopes } from '../calls/server-scopes.ts'
import type { HmacKey } from '../platform/crypto/hmac.ts'
import type { Db } from '../platform/db/db.ts'
import type { Logger } from '../platform/log/log.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { AttestorTypes } from './types/index.ts'

/** Dependencies of attestation. */
export interface AttestationDeps {
  readonly db: Db
  /** Connections for the lists that operators read. */
  readonly readDb: Db
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  /** By how much clocks may differ, in milliseconds. */
  readonly skewMs: number
  readonly issuer: string
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  /** Key that seals nonces. All processes of the deployment share it. */
  readonly nonceKey: HmacKey
  readonly types: AttestorTypes
  readonly serverScopes: ServerScopes
  /** Counts an appraisal by type and outcome. */
  readonly countAppraisal: (type: string, outcome: 'OK' | 'EVIDENCE_REFUSED' | 'UNAVAILABLE') => void
  /** Counts new results of an agent of an operator. Throws RATE_LIMITED if all its agents have got too many. */
  readonly limitResults: (operatorId: string) => void
  readonly log: Logger
}
