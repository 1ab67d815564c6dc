import type { KeyFinder } from '@auth4agent/core/token/access-token'
import { isJti } from '@auth4agent/core/token/claims'
import type { RevokeTokenRequest } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Call } from '../calls/call.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { kindOf, mayRevoke, readRevocable } from './revocable.ts'
import { type Revocation, revokeToken } from './store.ts'
import { verifyGrantChain } from './verify-grant-chain.ts'

/** The keys of this deployment whose tokens and grants can be revoked. */
interface RevocableKeys extends KeyFinder {
  readonly grantKeys: KeyFinder
}

/** Dependencies of revoke. */
export interface RevocationDeps {
  readonly db: Db
  readonly issuer: string
  readonly verificationKeys: RevocableKeys
  /** Limit of the token records of one operator. Replaces the default. */
  readonly maxTokenRecords?: number
}

/**
 * Revokes a token, or the last grant of a chain. The caller presents the token itself, or together with an operator's
 * assertion a chain, a delegated token or an id.
 */
export async function revoke(deps: RevocationDeps, request: RevokeTokenRequest, call: Call) {
  checkReason(request.reason)
  if ((request.token === '') === (request.jti === '')) {
    throw new ApiError('INVALID_ARGUMENT', 'The request must contain either token or jti, and not both')
  }
  const revocation = await findRevocation(deps, request, call)
  const revoked = await revokeToken(deps.db, call, { ...revocation, reason: request.reason }, deps.maxTokenRecords)
  return { jti: revocation.jti, ...revoked }
}

type Found = Omit<Revocation, 'reason'>

/** How a refusal names what only an operator may revoke, and who that is. A plain token names its only operator. */
const NEEDS_OPERATOR = {
  chain: { what: 'a grant', who: 'an agent that holds a grant of the chain can revoke it' },
  'delegated token': { what: 'a delegated token', who: 'an agent in the delegation can revoke the token' },
} as const

async function findRevocation(deps: RevocationDeps, { token, jti }: RevokeTokenRequest, call: Call): Promise<Found> {
  if (token === '') return findById(deps, jti, call)
  const kind = kindOf(token)
  const named = kind === 'token' ? undefined : NEEDS_OPERATOR[kind]
  const revoker = named && revokerOf(call, named.what)
  const { issuer, verificationKeys } = deps
  const verifyChain = (text: string) => verifyGrantChain(text, { issuer, keys: verificationKeys.grantKeys })
  const read = await readRevocable({ issuer, verificationKeys, verifyChain }, token)
  if ('refusal' in read) {
    throw new ApiError('TOKEN_NOT_OURS', read.refusal === undefined ? undefined : `In the chain, ${read.refusal}`)
  }
  if (named !== undefined && revoker !== undefined && !mayRevoke(read, revoker))
    throw new ApiError('PERMISSION_DENIED', `Only an operator of ${named.who}`)
  const { exp, action, parties } = read
  return { operatorId: revoker ?? parties[0].operatorId, jti: read.jti, exp, action }
}

/**
 * The record of a token stands under the operator of its agent. If that is another deployment's, only the token itself
 * names it. The audit of the audience's owner, which calls, has the id of the token too.
 */
const IS_CHAINED = `SELECT 1 FROM audit_logs WHERE operator_id = $1::uuid AND subject = $2 AND action = 'token.chain' LIMIT 1`

async function findById({ db }: RevocationDeps, jti: string, call: Call): Promise<Found> {
  if (call.principal.kind !== 'operator')
    throw new ApiError('UNAUTHENTICATED', "Revoking by jti needs the operator's assertion")
  if (!isJti(jti)) throw new ApiError('INVALID_ARGUMENT', 'jti must be 1 to 64 visible ASCII characters')
  const { operatorId } = call.principal
  const { rowCount } = await db.pool.query(IS_CHAINED, [operatorId, jti])
  if (rowCount !== 0) {
    const detail = 'The token is of an agent of another deployment: token must have the token itself, in place of jti'
    throw new ApiError('INVALID_ARGUMENT', detail)
  }
  return { operatorId, jti, exp: undefined, action: 'token.revoke' }
}

/**
 * Returns the operator that revokes. Chains and delegated tokens travel to services and to other agents, which must
 * not be able to end them.
 */
function revokerOf({ principal }: Call, what: string): string {
  if (principal.kind === 'operator') return principal.operatorId
  throw new ApiError('UNAUTHENTICATED', `Revoking ${what} needs the assertion of the operator of an agent in it`)
}
