import { agentsOf, verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import { verifyGrantChain } from '@auth4agent/core/delegation/verify-grant-chain'
import { type KeyFinder, verifyAccessToken } from '@auth4agent/core/token/access-token'
import { isJti } from '@auth4agent/core/token/claims'
import type { RevokeTokenRequest } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Call } from '../calls/call.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { type Revocation, revokeToken } from './store.ts'

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

function findRevocation(deps: RevocationDeps, { token, jti }: RevokeTokenRequest, call: Call): Promise<Found> {
  if (token === '') return findById(deps, jti, call)
  if (isChain(token)) return findGrant(deps, token, call)
  return isDelegatedToken(token) ? findDelegated(deps, token, call) : findToken(deps, token)
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

async function findToken(deps: RevocationDeps, token: string): Promise<Found> {
  const genuine = await verifyAccessToken(token, deps.issuer, deps.verificationKeys, 'including-retired')
  if ('verdict' in genuine) throw new ApiError('TOKEN_NOT_OURS')
  const { jti, operator_id: operatorId, exp } = genuine.claims
  return { operatorId, jti, exp, action: 'token.revoke' }
}

async function findGrant({ issuer, verificationKeys }: RevocationDeps, text: string, call: Call): Promise<Found> {
  const operatorId = revokerOf(call, 'a grant')
  const genuine = await verifyGrantChain(text, { issuer, keys: verificationKeys.grantKeys })
  if (!genuine.ok) throw new ApiError('TOKEN_NOT_OURS', `In the chain, ${genuine.rule}`)
  const { hops } = genuine.chain
  const last = hops.at(-1)
  if (last === undefined || !hops.some((hop) => hop.operatorId === operatorId))
    throw new ApiError(
      'PERMISSION_DENIED',
      'Only an operator of an agent that holds a grant of the chain can revoke it',
    )
  return { operatorId, jti: last.id, exp: last.exp, action: 'grant.revoke' }
}

async function findDelegated({ issuer, verificationKeys }: RevocationDeps, text: string, call: Call): Promise<Found> {
  const operatorId = revokerOf(call, 'a delegated token')
  const genuine = await verifyDelegatedToken(text, issuer, verificationKeys, 'including-retired')
  if ('verdict' in genuine) throw new ApiError('TOKEN_NOT_OURS')
  const { jti, exp } = genuine.claims
  if (!agentsOf(genuine).some((party) => party.operatorId === operatorId))
    throw new ApiError('PERMISSION_DENIED', 'Only an operator of an agent in the delegation can revoke the token')
  return { operatorId, jti, exp, action: 'token.revoke' }
}

/**
 * Returns the operator that revokes, under which the record stands. Chains and delegated tokens travel to services and
 * to other agents, which must not be able to end them. Under another operator, the operator that revokes could use up
 * the records of an operator to whose agents it delegates, and so end all tokens of that operator.
 */
function revokerOf({ principal }: Call, what: string): string {
  if (principal.kind === 'operator') return principal.operatorId
  throw new ApiError('UNAUTHENTICATED', `Revoking ${what} needs the assertion of the operator of an agent in it`)
}
