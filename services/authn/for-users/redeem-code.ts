import type { Call } from '../../calls/call.ts'
import { actorName } from '../../ledger/ledger.ts'
import { type KnownConsent, readConsent } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps } from '../config.ts'
import { type ActorDeps, authenticateActor, type ProvenActor, principalOf } from './authenticate-actor.ts'
import type { GivenFor } from './domain/decide-user-token.ts'
import type { CodeRequest } from './domain/user-token-request.ts'
import { type ForUserDeps, issueForUser, type UserToken } from './issue-for-user.ts'
import { type CodeUse, useCode } from './issue-statement.ts'

/** The dependencies of redeemCode. */
export type CodeDeps = ForUserDeps & ActorDeps & Pick<AuthnDeps, 'userGrants'>

/**
 * Issues the first token of a connection for an authorization code.
 *
 * @throws ApiError CODE_NOT_ACCEPTED, DPOP_PROOF_REQUIRED, INVALID_DPOP_PROOF, INVALID_AUDIENCE, and as
 *   authenticateActor and issueForUser
 */
export async function redeemCode(deps: CodeDeps, request: CodeRequest, call: Call): Promise<UserToken> {
  const code = await deps.userGrants.openCode(request.code)
  if (code === undefined) throw refuse('code must be one that this server has given to the client')
  const consent = await readConsent(deps.db.pool, code.consentId)
  if (consent === undefined) throw refuse('The user has withdrawn the consent')
  if (consent.clientId !== request.client.clientId)
    throw refuse('client_id must be the client that has asked for the code')
  if (code.redirectUri !== request.redirectUri) throw refuse('redirect_uri must be the one to which the code was sent')
  if (code.codeChallenge !== request.codeChallenge) {
    throw refuse('code_verifier must be the text whose SHA-256 is the code_challenge of the authorization request')
  }
  checkResource(request.resource, consent.audience)
  const { agent, dpop, once } = await authenticateActor(deps, request.client, consent, code.scopes, call)
  if (code.jkt !== '' && dpop === undefined) throw new ApiError('DPOP_PROOF_REQUIRED', 'The code is bound to a key')
  if (code.jkt !== '' && dpop?.jkt !== code.jkt) {
    throw new ApiError('INVALID_DPOP_PROOF', 'The DPoP proof must be by the key in dpop_jkt')
  }
  const { id: connection, scopes, clientEdge, vouchedAtS, keyId: codeKeyId } = code
  const presented = { connection, codeExp: code.exp + deps.settings.skewS, codeKeyId, vouchedAtS }
  const given = { scopes, clientEdge, isDevice: false }
  return issueConnection(deps, { consent, code: presented, given, proven: { agent, dpop, once } }, call)
}

/** A code that its client may redeem: that of an authorization response, or of a device. */
interface GoodCode {
  readonly consent: KnownConsent
  readonly code: Pick<CodeUse, 'connection' | 'codeExp' | 'codeKeyId' | 'vouchedAtS'>
  readonly given: GivenFor
  readonly proven: ProvenActor
}

/**
 * Uses a code, at most once, and issues the first token of its connection.
 *
 * @throws ApiError as issueForUser
 */
export function issueConnection(
  deps: ForUserDeps & Pick<AuthnDeps, 'userGrants'>,
  { consent, code, given, proven: { agent, dpop, once } }: GoodCode,
  call: Call,
): Promise<UserToken> {
  const { connection, vouchedAtS } = code
  const { scopes, isDevice } = given
  const presented = { of: consent, consentId: consent.consentId, scopes, isDevice, ...code }
  const proof = { jkt: dpop?.jkt ?? '', once }
  const { requestId, span } = call
  const by = { actor: actorName(principalOf(consent)), requestId, span }
  return issueForUser(
    deps,
    {
      consent,
      connection,
      given,
      agent,
      dpop,
      vouchedAtS,
      expiresAt: undefined,
      refusal: 'CODE_NOT_ACCEPTED',
      async use(decided) {
        const refreshKeyId = await deps.userGrants.refreshKeyId()
        const outcome = await useCode(deps.db.pool, { ...presented, ...proof, ...decided, ...by, refreshKeyId })
        if (outcome.kind !== 'void') return outcome
        // All tokens have ended, so the next attempt needs another key.
        await deps.userGrants.rereadRefreshKey()
        return { ...outcome, kind: 'stale' }
      },
    },
    call,
  )
}

/** Throws INVALID_AUDIENCE if a request names another resource than what it is for (RFC 8707 section 2.2). */
export function checkResource(resource: string | undefined, audience: string): void {
  if (resource !== undefined && resource !== audience) {
    throw new ApiError('INVALID_AUDIENCE', `resource must be missing, or ${audience}`)
  }
}

function refuse(detail: string): ApiError {
  return new ApiError('CODE_NOT_ACCEPTED', detail)
}
