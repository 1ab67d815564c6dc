import { actOf } from '@auth4agent/core/delegation/delegated-claims'
import type { ActorClaims } from '@auth4agent/core/delegation/user-claims'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import {
  type AuthnService,
  ConfirmationSchema,
  type TokenClaims,
  TokenClaimsSchema,
} from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { PASSKEY_NONCE_LIFETIME_S } from '../keys/index.ts'
import { actMember, toDelegation, toDetails, toResults, toStatus } from './chains/messages.ts'
import type { AuthnDeps } from './config.ts'
import { createChallenge } from './create-challenge.ts'
import { toForeignTrust } from './foreign-trust.ts'
import { freezeAll } from './freeze-all.ts'
import { tokenTypeOf } from './oauth/introspection-members.ts'
import { redeemChallenge } from './redeem-challenge.ts'
import { verifyToken } from './verify-token.ts'

/** Claims of a token of this deployment, or of a foreign issuer, whose tokens may have no epochs. */
type AnyClaims = Omit<AccessTokenClaims, 'epoch'> & { readonly epoch: readonly number[] }

/**
 * The message for each claims object. Repeated verifications of a token return the same claims object, so its message
 * is created once. The message is frozen, so that writers can cache its encoding.
 */
const messages = new WeakMap<AnyClaims, TokenClaims>()

/** Creates the handlers of AuthnService. They convert between messages and the types of the domain. */
export function authnRoutes(deps: AuthnDeps): Handlers<typeof AuthnService> {
  return {
    async createChallenge(request, call) {
      const { challenge, nonce, exp } = await createChallenge(deps, request, call)
      return { challenge, nonce, expiresAt: timestampFromMs(exp * 1000) }
    },
    async createPasskeyNonce() {
      const iat = Math.floor(deps.now() / 1000)
      const nonce = await deps.nonceSigner.sign({ iat })
      return { nonce, expiresAt: timestampFromMs((iat + PASSKEY_NONCE_LIFETIME_S) * 1000) }
    },
    async issueToken(request, call) {
      const { token, claims } = await redeemChallenge(deps, request, call)
      return {
        token,
        accessToken: token,
        tokenType: tokenTypeOf(claims),
        expiresAt: timestampFromMs(claims.exp * 1000),
        expiresIn: claims.exp - claims.iat,
        scope: claims.scope,
        jti: claims.jti,
      }
    },
    async verifyToken(request, call) {
      const verification = await verifyToken(deps, request, call.span)
      const verifiedAt = timestampFromMs(deps.now())
      if (!verification.valid) return { ...verification, verifiedAt }
      if ('trust' in verification) {
        const { claims, trust } = verification
        return { valid: true, claims: claimsMessage(claims), trust: toForeignTrust(trust), verifiedAt }
      }
      if ('claims' in verification) return { valid: true, claims: claimsMessage(verification.claims), verifiedAt }
      const { authority } = verification
      const claims = authority.claims && { claims: create(TokenClaimsSchema, toDelegatedClaims(authority.claims)) }
      return { valid: true, ...claims, delegation: toDelegation(authority), verifiedAt }
    },
  }
}

function claimsMessage(claims: AnyClaims): TokenClaims {
  const known = messages.get(claims)
  if (known !== undefined) return known
  const message = freezeAll(create(TokenClaimsSchema, toClaims(claims)))
  messages.set(claims, message)
  return message
}

function toClaims({
  operator_id,
  client_id,
  iat,
  nbf,
  exp,
  aud,
  epoch,
  cnf,
  agent_key: agentKey,
  may_act,
  attestation,
  status,
  ...same
}: AnyClaims) {
  return {
    ...same,
    aud: [...aud],
    operatorId: operator_id,
    clientId: client_id,
    iat: BigInt(iat),
    nbf: BigInt(nbf),
    exp: BigInt(exp),
    epoch: [...epoch],
    ...(cnf && { cnf: create(ConfirmationSchema, cnf) }),
    ...(agentKey !== undefined && { agentKey }),
    ...(may_act && { mayAct: { ...may_act } }),
    ...(attestation && { attestation: toResults(attestation) }),
    ...(status && { status: toStatus(status) }),
  }
}

function toDelegatedClaims(delegated: ActorClaims) {
  const { lineage: _lineage, provider: _provider, user: _user, details, ...claims } = delegated
  return { ...toClaims(claims), ...actMember(actOf(delegated)), authorizationDetails: toDetails(details) }
}
