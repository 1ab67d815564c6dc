import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ASSERTION_TYPE, ADMIN_ISSUER, OPERATOR_ASSERTION_TYPE } from '@auth4agent/core/identity/assertion'
import type { OperatorDirectoryService, OperatorSnapshot } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Cause } from '../platform/trace/span.ts'
import { type AssertionRules, checkAssertion, type ParsedAssertion, parseAssertion } from './assertion.ts'
import type { Authority } from './authority.ts'
import { refuseMissingDigest } from './body-digest.ts'
import type { Principal, SignedCall, UsedAssertion } from './call.ts'
import { findKey, requireValidAt } from './operator-keys.ts'
import type { CallerKind } from './policy.ts'

/** Dependencies of authenticate. */
export interface AuthenticateDeps {
  readonly operators: InternalClient<typeof OperatorDirectoryService>
  /** Raw Ed25519 public key of the administrator. If undefined, the deployment has no administrator. */
  readonly adminKey: Uint8Array | undefined
  /** Tells whether the nonce of an assertion by a passkey is one that this deployment gave in the last 300 seconds. */
  readonly isFreshNonce: IsFreshNonce
}

/** Judges the claim `nonce` of an assertion by a passkey. */
type IsFreshNonce = (nonce: unknown, clock: { readonly nowS: number; readonly skewS: number }) => Promise<boolean>

/** States of operators that may make calls: they own a domain, or owned one until they lapsed. */
const CAN_AUTHENTICATE = new Set(['active', 'lapsed', 'suspended'])
/** States of operators that owned a domain before. Their refusals are audited, because their identity was proven. */
const ONCE_AUTHENTICATED = new Set(['released', 'superseded'])

/** The values that an assertion must match, and the facts about the call that the audit keeps. */
export interface CallRules extends AssertionRules {
  /** Whether the body contains a secret. */
  readonly isBodySecret: boolean
  readonly cause: Cause
}

/** Returns whether an operator is in a state in which it may make calls. */
export function mayMakeCalls({ status }: Pick<OperatorSnapshot, 'status'>): boolean {
  return CAN_AUTHENTICATE.has(status)
}

/** Result of authenticate. */
export interface Authenticated {
  readonly principal: Principal
  /** The error for every call of this principal, if the principal may make no calls. */
  readonly refusal?: ApiError
  /** What the call of an operator is based on. */
  readonly authority?: Authority
}

/**
 * Identifies the caller. Without an Authorization header the caller is anonymous. With the header, its assertion must
 * be valid. Ignores the header if only anonymous callers may call the method, because a client may send any token that
 * it has.
 * @throws ApiError INVALID_ASSERTION, ASSERTION_EXPIRED, BODY_DIGEST_REQUIRED, BODY_DIGEST_MISMATCH or
 *   OPERATOR_NOT_ACTIVE
 */
export async function authenticate(
  deps: AuthenticateDeps,
  authorization: string | undefined,
  callers: readonly CallerKind[],
  rules: CallRules,
): Promise<Authenticated> {
  if (authorization === undefined || callers.every((caller) => caller === 'anyone')) {
    return { principal: { kind: 'anonymous' } }
  }
  const parsed = parseAssertion(authorization)
  if (parsed.typ === ADMIN_ASSERTION_TYPE && parsed.iss === ADMIN_ISSUER && deps.adminKey !== undefined) {
    const assertion = checkAssertion(parsed, deps.adminKey, rules)
    const key = { kid: parsed.jws.header.kid, label: '', isRoot: false }
    return { principal: { kind: 'admin', assertion, key, signed: signedCall(parsed, rules) } }
  }
  const operator =
    parsed.typ === OPERATOR_ASSERTION_TYPE ? await findOperator(deps, parsed.iss, rules.cause) : undefined
  if (operator === undefined)
    throw new ApiError(
      'INVALID_ASSERTION',
      'Unknown assertion issuer: typ and iss must name an operator or the administrator of this server',
    )
  const key = findKey(operator, parsed.jws.header.kid)
  if (key === undefined) throw new ApiError('INVALID_ASSERTION', 'kid must be the thumbprint of a key of the operator')
  const assertion = checkAssertion(parsed, key, rules)
  requireValidAt(key, rules.nowS)
  if (key.webauthn !== undefined && !(await deps.isFreshNonce(parsed.jws.payload['nonce'], rules))) {
    throw new ApiError(
      'INVALID_ASSERTION',
      'nonce of the assertion of a passkey must be one of the last 300 seconds: POST /v1/passkey-nonces gives one',
    )
  }
  const coversBody = parsed.jws.payload['body'] !== undefined
  return authenticatedOperator({ operator, key, coversBody }, assertion, signedCall(parsed, rules), rules)
}

/**
 * Returns the principal of an operator whose signature is valid.
 * @throws ApiError OPERATOR_NOT_ACTIVE for an operator that never owned a domain
 */
export function authenticatedOperator(
  authority: Authority,
  assertion: UsedAssertion,
  signed: SignedCall,
  { mustNameRpc }: Pick<CallRules, 'mustNameRpc'>,
): Authenticated {
  const { operator, coversBody } = authority
  const { kid, label, isRoot, roles } = authority.key
  const principal = {
    kind: 'operator',
    operatorId: operator.id,
    assertion,
    key: { kid, label, isRoot, roles },
    signed,
  } as const
  if (mayMakeCalls(operator)) {
    const lacksDigest = operator.requireBodyDigest && mustNameRpc && !coversBody
    return { principal, authority, ...(lacksDigest && { refusal: refuseMissingDigest() }) }
  }
  const refusal = new ApiError('OPERATOR_NOT_ACTIVE', `The operator is ${operator.status}, so it may not make calls`)
  if (ONCE_AUTHENTICATED.has(operator.status)) return { principal, refusal }
  // Anybody can register a pending operator, so refusals of pending operators are not audited.
  throw refusal
}

function signedCall({ text }: ParsedAssertion, { rpc, body, isBodySecret }: CallRules): SignedCall {
  return { rpc, signatures: [text], body, isBodySecret }
}

/** Finds an operator by its id. Returns undefined for a text that is no id, without asking the directory. */
export async function findOperator(
  { operators }: Pick<AuthenticateDeps, 'operators'>,
  id: string,
  cause: Cause,
): Promise<OperatorSnapshot | undefined> {
  if (!isUuid(id)) return undefined
  const { operator } = await operators.lookupOperator({ by: { case: 'id', value: id } }, cause)
  return operator
}
