import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ASSERTION_TYPE, ADMIN_ISSUER, OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import type { OperatorDirectoryService, OperatorSnapshot } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import { type AssertionRules, checkAssertion, parseAssertion } from './assertion.ts'
import type { Principal } from './call.ts'
import type { CallerKind } from './policy.ts'

/** What authentication works with. */
export interface AuthenticateDeps {
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  /** Raw Ed25519 key of the deployment's administrator; without one there is no administrator. */
  readonly adminKey: Uint8Array | undefined
}

/** Operators that own a domain, or did until a proof lapsed. */
const CAN_AUTHENTICATE = new Set(['active', 'lapsed', 'suspended'])
/** Operators that owned one. Who signs for them is no stranger, so the audit keeps that they are refused. */
const ONCE_AUTHENTICATED = new Set(['released', 'superseded'])

/** Who calls, and why it is refused whatever it calls. */
interface Authenticated {
  readonly principal: Principal
  readonly refusal?: ApiError
}

/**
 * Establishes who calls. Without an Authorization header that is nobody; with one it must hold. RPCs that only ever serve
 * anybody do not look at it, for a client may send along whatever token it has.
 * Throws INVALID_ASSERTION, ASSERTION_EXPIRED or OPERATOR_NOT_ACTIVE.
 */
export async function authenticate(
  deps: AuthenticateDeps,
  authorization: string | undefined,
  callers: readonly CallerKind[],
  rules: AssertionRules,
): Promise<Authenticated> {
  if (authorization === undefined || callers.every((caller) => caller === 'anyone')) {
    return { principal: { kind: 'anonymous' } }
  }
  const parsed = parseAssertion(authorization)
  if (parsed.typ === ADMIN_ASSERTION_TYPE && parsed.iss === ADMIN_ISSUER && deps.adminKey !== undefined) {
    return { principal: { kind: 'admin', assertion: checkAssertion(parsed, deps.adminKey, rules) } }
  }
  const operator = parsed.typ === OPERATOR_ASSERTION_TYPE ? await findOperator(deps, parsed.iss) : undefined
  if (operator === undefined) throw new ApiError('INVALID_ASSERTION', 'nobody here is the issuer of the assertion')
  const assertion = checkAssertion(parsed, operator.rootPublicKey, rules)
  const principal = { kind: 'operator', operatorId: operator.id, assertion } as const
  if (CAN_AUTHENTICATE.has(operator.status)) return { principal }
  const refusal = new ApiError('OPERATOR_NOT_ACTIVE', `the operator is ${operator.status}`)
  if (ONCE_AUTHENTICATED.has(operator.status)) return { principal, refusal }
  // Anybody can make pending ones.
  throw refusal
}

async function findOperator({ operators }: AuthenticateDeps, id: string): Promise<OperatorSnapshot | undefined> {
  if (!isUuid(id)) return undefined
  const { operator } = await operators.lookupOperator({ by: { case: 'id', value: id } })
  return operator
}
