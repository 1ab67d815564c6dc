import type { DescMethod } from '@bufbuild/protobuf'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { methods, shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { callersOf } from './callers.ts'
import { validRequests } from './valid-requests.ts'

/** Calls for one operator by those who may not make them. */
function casesOf(method: DescMethod): RefusalCase[] {
  const request = validRequests[shortName(method)]
  if (request === undefined) throw new Error(`${shortName(method)} has no valid request`)
  const denied = (name: string, caller: NonNullable<RefusalCase['caller']>): RefusalCase => ({
    name,
    method,
    reason: 'PERMISSION_DENIED',
    caller,
    request,
  })
  if (callersOf(method) === 'admin')
    return [denied('an operator on itself', 'acme'), denied('another operator', 'bravo')]
  // What it tells is the same for all who verify tokens.
  if (callersOf(method) === 'operator-or-admin') return []
  const byAdmin = denied('the administrator', 'admin')
  // Revoking by jti names no operator: it is always the caller's own token.
  if (method === RevocationService.method.revokeToken) return [byAdmin]
  return [
    byAdmin,
    denied('another operator', 'bravo'),
    denied('another operator that is suspended', 'suspended'),
    denied('another operator that has lapsed', 'lapsed'),
  ]
}

/** Another operator's agent under the caller's own id: the operator that is named is right, the agent is not its own. */
const smuggled = [
  IdentityService.method.approveAgent,
  IdentityService.method.setAgentScopes,
  IdentityService.method.updateAgent,
  IdentityService.method.suspendAgent,
  IdentityService.method.reactivateAgent,
  IdentityService.method.revokeAgent,
].map(
  (method): RefusalCase => ({
    name: 'an agent of acme under bravo’s id',
    method,
    reason: 'AGENT_NOT_FOUND',
    caller: 'bravo',
    request: (world) => ({ ...validRequests[shortName(method)]?.(world), operator_id: world.operators.bravo.id }),
  }),
)

/** What operators may not do to each other, and administrator and operators to what is the other's. */
export const tenantCases: readonly RefusalCase[] = [
  ...methods.filter((method) => callersOf(method) !== 'anyone').flatMap(casesOf),
  ...smuggled,
]
