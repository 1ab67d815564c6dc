import { parseDid } from '@auth4agent/core/identity/did'
import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Cause } from '../platform/trace/span.ts'
import { findAgent } from './store.ts'

/** Dependencies of resolveDid. */
export interface Resolver {
  readonly db: Db
  readonly operators: InternalClient<typeof OperatorDirectoryService>
}

/**
 * Returns the operator that owns the DID's domain now, and this operator's agent with the DID. `operator` is undefined
 * when the domain has no owner. `agent` is null when there is no such agent. Returns undefined when the text is not a
 * DID.
 */
export async function resolveDid({ db, operators }: Resolver, text: string, cause: Cause) {
  const owner = await findOwner(operators, text, cause)
  if (owner === undefined) return undefined
  const { operator } = owner
  const agent = operator === undefined ? null : await findAgent(db.prisma, operator.id, { did: text })
  return { operator, agent }
}

/**
 * Returns the operator that owns the DID's domain now.
 *
 * @throws ApiError INVALID_DID; AGENT_NOT_FOUND when the domain has no owner
 */
export async function resolveOwner({ operators }: Pick<Resolver, 'operators'>, text: string, cause: Cause) {
  const owner = await findOwner(operators, text, cause)
  if (owner === undefined) throw new ApiError('INVALID_DID')
  if (owner.operator === undefined) throw new ApiError('AGENT_NOT_FOUND')
  return owner.operator
}

async function findOwner(operators: Resolver['operators'], text: string, cause: Cause) {
  const did = parseDid(text)
  return did && operators.lookupOperator({ by: { case: 'domain', value: did.domain } }, cause)
}
