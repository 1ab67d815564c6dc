import { authenticateToken, sentToken, type TokenDeps } from '../access-token.ts'
import {
  type AuthenticateDeps,
  type Authenticated,
  authenticate,
  authenticatedOperator,
  type CallRules,
  findOperator,
} from '../authenticate.ts'
import { findKey, isValidAt, type OperatorKey } from '../operator-keys.ts'
import type { CallerKind, Policy } from '../policy.ts'
import type { Meta } from '../rpc.ts'
import { type FoundSignature, findSignature, hasOwnSignature, SIGNATURE_TAG } from './find-signature.ts'
import { demand, refusedSignature } from './refuse-signature.ts'
import type { SignableRequest } from './signable-request.ts'
import { verifyRequest } from './verify-signature.ts'

type Fields = Readonly<Record<string, unknown>>
/** The lines of a policy that say who may call. */
interface Line extends Pick<Policy<Fields>, 'own' | 'scopes' | 'action' | 'urgent'> {
  readonly callers: readonly CallerKind[]
}

/**
 * Identifies the caller by its HTTP message signature (RFC 9421), its assertion, or its access token. Ignores
 * signatures for other programs. Ignores all signatures if only anonymous callers may call the method, like an
 * Authorization header.
 * @throws ApiError INVALID_REQUEST_SIGNATURE, BODY_DIGEST_MISMATCH, and the errors of `authenticate` and
 *   `authenticateToken`
 */
export async function authenticateCall(
  deps: AuthenticateDeps & TokenDeps,
  meta: Pick<Meta, 'signable' | 'authorization' | 'dpop'>,
  line: Line,
  fields: Fields,
  rules: CallRules,
): Promise<Authenticated> {
  const { callers, scopes } = line
  const { signable, authorization } = meta
  const byHeader = (): Promise<Authenticated> => {
    const token = authorization === undefined || scopes === undefined ? undefined : sentToken(authorization)
    if (token !== undefined) return authenticateToken(deps, token, { ...meta, ...rules.cause }, line)
    return authenticate(deps, authorization, callers, rules)
  }
  if (signable === undefined || callers.every((caller) => caller === 'anyone')) return byHeader()
  if (authorization !== undefined) {
    demand(
      !hasOwnSignature(signable),
      `A request with a signature for ${SIGNATURE_TAG} must have no Authorization header`,
    )
    return byHeader()
  }
  const found = findSignature(signable)
  if (found !== undefined) return authenticateSigned(deps, signable, found, operatorIdIn(line, fields), rules)
  demand(callers.includes('anyone'), `The signature must have the parameter tag="${SIGNATURE_TAG}"`)
  return { principal: { kind: 'anonymous' } }
}

/**
 * Returns the operator that must have signed: the one that the request names in the field of the policy. The signature
 * itself names only a key.
 */
function operatorIdIn({ callers, own }: Line, fields: Fields): string {
  const id = own === undefined || own === 'none' ? undefined : fields[own]
  if (callers.includes('operator') && typeof id === 'string') return id
  throw refusedSignature('This call needs an assertion, because a signature is only for calls that name an operator')
}

async function authenticateSigned(
  deps: AuthenticateDeps,
  signable: SignableRequest,
  found: FoundSignature,
  operatorId: string,
  rules: CallRules,
): Promise<Authenticated> {
  const { nowS, skewS, rpc, body, isBodySecret } = rules
  let operator: Awaited<ReturnType<typeof findOperator>>
  const findSigner = async (keyid: string): Promise<OperatorKey> => {
    operator = await findOperator(deps, operatorId, rules.cause)
    const key = operator && findKey(operator, keyid)
    demand(key !== undefined, 'keyid must be the thumbprint of a key of the operator that the request names')
    demand(key.webauthn === undefined, `The key "${key.label}" is a passkey, which signs only assertions`)
    demand(isValidAt(key, nowS), `The key "${key.label}" is not valid now`)
    return key
  }
  const verified = await verifyRequest(signable, found, { nowS, skewS, body, findKey: findSigner })
  if (operator === undefined) throw new Error('A signature was verified without an operator')
  const { key, nonce, expiresAt, signatures } = verified
  const assertion = { jti: nonce, expiresAt }
  return authenticatedOperator(
    { operator, key, coversBody: true },
    assertion,
    { rpc, signatures, body, isBodySecret },
    rules,
  )
}
