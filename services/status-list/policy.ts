import type { StatusListService } from '../../gen/proto/auth4agent/v1/status_lists_pb.ts'
import type { Policies } from '../calls/policy.ts'

/** Policies of StatusListService. The lists contain no ids, and verifiers of tokens may be anybody. */
export const statusListPolicies: Policies<typeof StatusListService> = {
  getStatusList: { callers: ['anyone'], limit: 'read', fromMemory: true },
  listStatusLists: { callers: ['anyone'], limit: 'read', fromMemory: true },
}
