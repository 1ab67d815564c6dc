import type { KeyHistoryService } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { InternalClient } from '../../platform/rpc/internal-client.ts'
import type { KeyEventDeps } from '../key-events/deps.ts'

/** Dependencies of the calls about moves. */
export interface MoveDeps extends KeyEventDeps {
  /** What proves the keys of operators. */
  readonly histories: InternalClient<typeof KeyHistoryService>
}
