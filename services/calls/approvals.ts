import { readProofKey } from '@auth4agent/core/dpop/proof-key'
import {
  MAX_APPROVAL_BYTES,
  MAX_APPROVAL_LIFETIME_S,
  MAX_APPROVALS,
  OPERATOR_APPROVAL_TYPE,
} from '@auth4agent/core/identity/operator-approval'
import { ED25519_ALGORITHMS, type JwsRules, type ParsedJws, parseCompactJws } from '@auth4agent/core/jose/jws'
import { jwsDemand } from '@auth4agent/core/jose/jws-demand'
import { isJti } from '@auth4agent/core/token/claims'
import type { RequestBody, UsedApproval } from '../ledger/principal.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { requireBody } from './body-digest.ts'
import { type CallTimesFault, readCallTimes } from './call-times.ts'
import type { OperatorKey } from './operator-keys.ts'

/** The values that an approval must match. */
export interface ApprovalRules {
  readonly operatorId: string
  readonly issuer: string
  /** Unix seconds. */
  readonly nowS: number
  readonly skewS: number
  /** The name of the approved call. */
  readonly rpc: string
  /** The body of the approved call. */
  readonly body: RequestBody | undefined
  /** The root keys of the operator. */
  readonly rootKeys: readonly OperatorKey[]
  /** The root key that has signed the call. It cannot approve it too. */
  readonly signerKid: string
}

/** An approval that is valid for a call. */
export interface Approval extends UsedApproval {
  /** The approval as sent. */
  readonly text: string
}

/** Longest header with approvals that is kept. A longer one contains too many approvals, or one that is too long. */
const MAX_HEADER = MAX_APPROVALS * (MAX_APPROVAL_BYTES + 2)

/**
 * Returns the approvals of a request, from the header or metadata `auth4agent-approval`. Returns an object to spread
 * into the Meta of the request: it is empty without the header. Keeps only the start of a header that is too long.
 */
export function sentApprovals(header: string | readonly string[] | null | undefined): { readonly approvals?: string } {
  if (header === undefined || header === null) return {}
  return {
    approvals: [header]
      .flat()
      .join(',')
      .slice(0, MAX_HEADER + 1),
  }
}

/**
 * Checks the approvals of a call. Each must be valid, because a wrong one is a mistake that its sender must see.
 * @throws ApiError INVALID_APPROVAL; UNAVAILABLE if an older gateway has not sent the body
 */
export function checkApprovals(header: string | undefined, rules: ApprovalRules): readonly Approval[] {
  if (header === undefined) return []
  const texts = header.split(',', MAX_APPROVALS + 1).map((text) => text.trim())
  if (texts.length > MAX_APPROVALS || header.length > MAX_HEADER) {
    throw new ApiError('INVALID_APPROVAL', `A request must have at most ${MAX_APPROVALS} approvals`)
  }
  const approvals = texts.map((text) => checkApproval(text, rules))
  const kids = new Set([rules.signerKid, ...approvals.map(({ kid }) => kid)])
  if (kids.size <= approvals.length) {
    throw new ApiError('INVALID_APPROVAL', 'Each approval must be by another root key than the call and its approvals')
  }
  return approvals
}

const JWS_RULES: JwsRules = { maxBytes: MAX_APPROVAL_BYTES, algs: ED25519_ALGORITHMS, typs: [OPERATOR_APPROVAL_TYPE] }

function checkApproval(text: string, rules: ApprovalRules): Approval {
  const jws = parseCompactJws(text, JWS_RULES)
  if (!jws.ok) {
    const subject = jws.part === 'text' ? 'An approval' : `The ${jws.part} of an approval`
    throw new ApiError('INVALID_APPROVAL', `${subject} ${jwsDemand(jws, JWS_RULES)}`)
  }
  const { kid, alg } = jws.header
  const root = rules.rootKeys.find((key) => key.kid === kid)
  demand(root !== undefined, 'kid of an approval must be the thumbprint of a root key of the operator')
  const isGenuine = readProofKey(alg, { ...root.jwk })?.verify(jws.signingInput, jws.signature) === true
  demand(isGenuine, `The signature of an approval does not match the root key "${root.label}"`)
  return { text, kid, ...checkClaims(jws, rules) }
}

function checkClaims(
  { payload }: ParsedJws,
  rules: ApprovalRules,
): { readonly jti: string; readonly expiresAt: number } {
  const { iss, sub, aud, jti, rpc, body } = payload
  const { operatorId, issuer } = rules
  demand(iss === operatorId && sub === operatorId, `iss and sub of an approval must be the operator id ${operatorId}`)
  demand(aud === issuer, `aud of an approval must be exactly ${issuer}`)
  demand(typeof jti === 'string' && isJti(jti), 'jti of an approval must be 1 to 64 visible ASCII characters')
  demand(rpc === rules.rpc, `rpc of an approval must be exactly ${rules.rpc}`)
  const digest = requireBody(rules.body).digest()
  demand(body === digest, `body of an approval must be ${digest}, the SHA-256 of the body as received`)
  const expiresAt = readCallTimes(payload, { ...rules, maxLifetimeS: MAX_APPROVAL_LIFETIME_S })
  if (typeof expiresAt === 'string') throw new ApiError('INVALID_APPROVAL', TIMES[expiresAt])
  return { jti, expiresAt }
}

const TIMES: Readonly<Record<CallTimesFault, string>> = {
  form: 'iat, exp and nbf of an approval must be whole Unix seconds',
  lifetime: `exp of an approval must be 1 to ${MAX_APPROVAL_LIFETIME_S} seconds after iat`,
  early: 'An approval is not valid yet: nbf or iat is in the future',
  expired: 'An approval has expired',
}

function demand(isRight: boolean, detail: string): asserts isRight {
  if (!isRight) throw new ApiError('INVALID_APPROVAL', detail)
}
