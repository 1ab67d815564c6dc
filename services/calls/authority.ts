import type { OperatorSnapshot } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { OperatorPrincipal } from '../ledger/principal.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type ApprovalRules, checkApprovals } from './approvals.ts'
import { listKeys, type OperatorKey } from './operator-keys.ts'
import type { Policy } from './policy.ts'

/** The basis of a call by an operator: the operator's state, the key that signed, and what the signature covers. */
export interface Authority {
  readonly operator: OperatorSnapshot
  readonly key: OperatorKey
  /** Whether the signature covers the body of the request. */
  readonly coversBody: boolean
}

type Line = Pick<Policy<Readonly<Record<string, unknown>>>, 'role' | 'action' | 'needsBodyDigest' | 'urgent'>

/** What a policy demands of an operator's keys. */
export type Demands = Partial<Omit<Line, 'urgent'>> & { readonly urgent?: boolean | undefined }

/** What a call demands that gives authority, though the policy of its method demands less. */
export const ROOT_OPERATION = { role: 'root', needsBodyDigest: true, urgent: false } as const

/**
 * Throws unless the key that signed has the role which the policy demands.
 * @param purpose what the key needs the role for
 * @throws ApiError ROLE_REQUIRED
 */
export function requireRole({ role = 'root' }: Demands, { key }: Authority, purpose = FOR_CALL): void {
  const error = roleError(role, key, purpose)
  if (error !== undefined) throw error
}

const FOR_CALL = 'for this call'

/**
 * Returns the error for a key without a role; undefined if the key has the role.
 *
 * @param purpose what the key needs the role for
 */
export function roleError(
  role: NonNullable<Line['role']>,
  { label, isRoot, roles }: Pick<OperatorKey, 'label' | 'isRoot' | 'roles'>,
  purpose: string,
): ApiError | undefined {
  if (isRoot || role === 'watch' || roles.includes(role)) return undefined
  if (role === 'any') return roles.some((each) => each !== 'watch') ? undefined : watchesOnly(label, purpose)
  if (role === 'root') return new ApiError('ROLE_REQUIRED', `The key "${label}" must be a root key ${purpose}`)
  const detail = `The key "${label}" must have the role ${role} ${purpose}, but has only ${roles.join(', ')}`
  return new ApiError('ROLE_REQUIRED', detail)
}

function watchesOnly(label: string, purpose: string): ApiError {
  return new ApiError('ROLE_REQUIRED', `The key "${label}" must have another role than watch ${purpose}`)
}

/**
 * Throws if the operator is frozen and the method changes something that a frozen operator may not change.
 * @throws ApiError OPERATOR_FROZEN
 */
export function refuseFrozen(line: Demands, { operator }: Authority): void {
  if (operator.frozen && stopsFrozen(line)) throw frozenError()
}

/** Returns whether a frozen operator may not call a method. */
export function stopsFrozen({ action, urgent }: Pick<Demands, 'action' | 'urgent'>): boolean {
  return action !== undefined && urgent !== true
}

/** Returns the error for a call that a frozen operator may not make. */
export function frozenError(): ApiError {
  return new ApiError(
    'OPERATOR_FROZEN',
    'The DNS record names a key that is no root key of the operator: until it names one, the operator can only suspend and revoke agents, end tokens, object to moves and set root keys',
  )
}

/**
 * Adds to a principal the agreement of the root keys, if the method is a root operation.
 * @param header the approvals as sent
 * @throws ApiError BODY_DIGEST_REQUIRED, INVALID_APPROVAL, APPROVALS_REQUIRED
 */
export function withRootAuthority(
  principal: OperatorPrincipal,
  { role, needsBodyDigest }: Demands,
  { operator, key, coversBody }: Authority,
  header: string | undefined,
  rules: Pick<ApprovalRules, 'issuer' | 'nowS' | 'skewS'>,
): OperatorPrincipal {
  if (role !== 'root') return principal
  const threshold = Math.max(1, operator.rootThreshold)
  if (!coversBody && (needsBodyDigest === true || threshold > 1)) {
    throw new ApiError(
      'BODY_DIGEST_REQUIRED',
      'The assertion for this call must contain the claim body: the SHA-256 of the request body',
    )
  }
  const { rpc, body, signatures } = principal.signed
  const rootKeys = listKeys(operator).filter(({ isRoot }) => isRoot)
  const call = { operatorId: operator.id, rpc, body, rootKeys, signerKid: key.kid }
  const approvals = checkApprovals(header, { ...rules, ...call })
  const count = 1 + approvals.length
  if (count < threshold) {
    const detail = `${threshold} root keys must sign this request, but only ${count} did: send approvals in the header auth4agent-approval`
    throw new ApiError('APPROVALS_REQUIRED', detail)
  }
  return {
    ...principal,
    signed: { ...principal.signed, signatures: [...signatures, ...approvals.map(({ text }) => text)] },
    root: {
      manifestSeq: operator.manifestSeq,
      approvals: approvals.map(({ kid, jti, expiresAt }) => ({ kid, jti, expiresAt })),
    },
  }
}
