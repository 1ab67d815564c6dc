import type { DescMethod } from '@bufbuild/protobuf'
import { AgentKeyService } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { AttestationService } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { RevocationService } from '../../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { SignalService } from '../../../gen/proto/auth4agent/v1/signals_pb.ts'
import { methods, shortName } from '../support/contract.ts'
import type { RefusalCase } from '../support/refusal.ts'
import { callersOf } from './callers.ts'
import { validRequests } from './valid-requests.ts'

/** Cases about callers that may not make a call for an operator. */
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
    return [denied('an operator as caller', 'acme'), denied('another operator as caller', 'bravo')]
  // This call names no operator, so no operator is refused.
  if (callersOf(method).endsWith('operator-or-admin')) return []
  const byAdmin = denied('the administrator as caller', 'admin')
  // Revoking by jti names no operator: it always means the caller's own tokens. A stream is one of the caller's too.
  if (method === RevocationService.method.revokeToken || method.parent === SignalService) return [byAdmin]
  return [
    byAdmin,
    denied('another operator as caller', 'bravo'),
    denied('another operator, which is suspended, as caller', 'suspended'),
    denied('another operator, which is lapsed, as caller', 'lapsed'),
  ]
}

/** Cases that name an agent of another operator together with the caller's own operator id. */
const smuggled = [
  IdentityService.method.approveAgent,
  IdentityService.method.setAgentScopes,
  IdentityService.method.updateAgent,
  IdentityService.method.suspendAgent,
  IdentityService.method.reactivateAgent,
  IdentityService.method.revokeAgent,
  AttestationService.method.listAttestationResults,
  AttestationService.method.removeAttestationResults,
  AgentKeyService.method.recoverAgent,
  AgentMoveService.method.objectToMove,
].map(
  (method): RefusalCase => ({
    name: 'an agent of acme under bravo’s id',
    method,
    reason: 'AGENT_NOT_FOUND',
    caller: 'bravo',
    request: (world) => ({ ...validRequests[shortName(method)]?.(world), operator_id: world.operators.bravo.id }),
  }),
)

/** Cases about calls that an operator may not make for another operator, or the administrator for an operator. */
export const tenantCases: readonly RefusalCase[] = [
  ...methods.filter((method) => callersOf(method) !== 'anyone').flatMap(casesOf),
  ...smuggled,
]
