import { readTokenJws } from '@auth4agent/core/token/access-token'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { type Verdict, verdicts } from '@auth4agent/core/token/verdicts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Cause } from '../platform/trace/span.ts'
import { type AuthenticateDeps, type Authenticated, findOperator, mayMakeCalls } from './authenticate.ts'
import { frozenError, stopsFrozen } from './authority.ts'
import type { SentProof } from './call.ts'
import type { Policy } from './policy.ts'
import type { Meta } from './rpc.ts'

/** What a valid access token says about its agent. */
interface TokenCaller {
  readonly did: string
  readonly operatorId: string
  readonly scope: string
}

/**
 * Verifies an access token whose audience is this deployment, online. `proof` is the DPoP proof of a request with the
 * scheme DPoP; undefined for the scheme Bearer. Throws ApiError UNAVAILABLE.
 */
export type VerifyAccess = (token: string, proof: SentProof | undefined) => Promise<TokenCaller | Verdict>

/** Dependencies of authenticateToken. */
export interface TokenDeps extends Pick<AuthenticateDeps, 'operators'> {
  /** Verifies access tokens. Undefined in a process without methods that accept them. */
  readonly verifyAccess?: VerifyAccess | undefined
}

/** An access token in an Authorization header. */
interface SentToken {
  readonly token: string
  readonly isBound: boolean
}

type Line = Pick<Policy<Readonly<Record<string, unknown>>>, 'scopes' | 'action' | 'urgent'>

/**
 * Returns the access token of an Authorization header: every token of the scheme DPoP (RFC 9449 section 7.1), and a
 * JWT of the type at+jwt of the scheme Bearer. Any other bearer token may be an assertion.
 */
export function sentToken(authorization: string): SentToken | undefined {
  const [, scheme, token] = /^(dpop|bearer) ([\x21-\x7e]+)$/i.exec(authorization) ?? []
  if (scheme === undefined || token === undefined) return undefined
  if (scheme.toLowerCase() === 'dpop') return { token, isBound: true }
  return 'payload' in readTokenJws(token) ? { token, isBound: false } : undefined
}

/**
 * Authenticates an agent by its access token, for a method that accepts one. The agent makes the call for its
 * operator.
 *
 * @throws ApiError INVALID_ACCESS_TOKEN, UNAVAILABLE
 */
export async function authenticateToken(
  deps: TokenDeps,
  { token, isBound }: SentToken,
  { dpop, ...cause }: Pick<Meta, 'dpop'> & Cause,
  line: Line,
): Promise<Authenticated> {
  if (deps.verifyAccess === undefined) throw new Error('A method accepts access tokens, but nothing verifies them')
  if (isBound && dpop === undefined) throw invalidToken('PROOF_REQUIRED')
  const verified = await deps.verifyAccess(token, isBound ? dpop : undefined)
  if (typeof verified === 'string') throw invalidToken(verified)
  const { did, operatorId, scope } = verified
  const operator = await findOperator(deps, operatorId, cause)
  if (operator === undefined || !mayMakeCalls(operator)) throw invalidToken('OPERATOR_TOKENS_ENDED')
  const refusal = refuseScope(line, scope) ?? (operator.frozen && stopsFrozen(line) ? frozenError() : undefined)
  return { principal: { kind: 'agent', did, operatorId }, ...(refusal && { refusal }) }
}

function invalidToken(verdict: Verdict): ApiError {
  return new ApiError('INVALID_ACCESS_TOKEN', `${verdicts[verdict]} (${verdict})`)
}

/** Returns the error for a token without any of the scopes that the method accepts. */
function refuseScope({ scopes = [] }: Line, scope: string): ApiError | undefined {
  const granted = parseScopeString(scope) ?? []
  if (scopes.some((accepted) => granted.includes(accepted))) return undefined
  return new ApiError('INSUFFICIENT_SCOPE', `The token must have the scope ${scopes.join(' or ')}`)
}
