import { fromStoredUsers } from '../../../operator-registry/index.ts'
import { type Access, decideAccess, decideClient, type KnownConsent, type Standing } from '../../../people/index.ts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../../platform/errors/reasons.ts'

/** What a token for a user may allow now, and with what it ends. */
export interface UserTokenTerms extends Pick<Access, 'ownerId' | 'connectionS' | 'provider'> {
  readonly scopes: readonly string[]
  /** Edges of all that the token rests on, except of its connection. */
  readonly edges: readonly string[]
  readonly clientEdge: string
}

/** What a code or a connection was given for. */
export interface GivenFor {
  readonly scopes: readonly string[]
  /** Edge of the client then. One that was blocked since has another one. */
  readonly clientEdge: string
  /** Whether it came to a device by a code that a user has typed, which the owner must still allow. */
  readonly isDevice: boolean
}

/**
 * Decides what a token for a user may allow now: those of the scopes that the user has consented to, and that the
 * owner of the audience still lets this user use. A client never gets more than its code or connection has, and
 * nothing for one from before the client was blocked, even if it may act again.
 *
 * @param refusal reason of a refusal because the user may not come any more
 * @throws ApiError with `refusal`; CLIENT_NOT_ALLOWED, CONSENT_REQUIRED
 */
export function decideUserToken(
  standing: Standing,
  { operatorId, clientId, audience, consentId }: KnownConsent,
  given: GivenFor,
  refusal: ReasonCode,
): UserTokenTerms {
  const rule = standing.rule === null ? undefined : fromStoredUsers(standing.rule)
  const access = decideAccess(standing, operatorId, rule)
  if ('refused' in access) throw new ApiError(refusal, access.why)
  const { consentEdge } = standing
  const clientEdge = rule && decideClient(standing, clientId, rule)
  if (given.isDevice && rule?.device !== true) {
    throw new ApiError('CLIENT_NOT_ALLOWED', 'The owner of the resource does not allow the device authorization grant')
  }
  if (clientEdge === undefined) {
    throw new ApiError('CLIENT_NOT_ALLOWED', 'The owner of the resource does not let this client act for users')
  }
  if (clientEdge !== given.clientEdge) throw new ApiError(refusal, 'The client has been blocked since')
  if (consentEdge === null || standing.consentId !== consentId) throw new ApiError('CONSENT_REQUIRED')
  const consented = new Set(standing.capabilities ?? [])
  const open = new Set(access.scopes.map(({ name }) => name))
  const scopes = given.scopes.filter((scope) => open.has(scope) && consented.has(`${audience}#${scope}`))
  if (scopes.length === 0) throw new ApiError('CONSENT_REQUIRED')
  const { ownerId, connectionS, provider, edges } = access
  return { ownerId, connectionS, provider, scopes, edges: [...edges, clientEdge, consentEdge], clientEdge }
}
