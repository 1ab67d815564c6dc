import type { Call } from '../../calls/call.ts'
import { type KnownConsent, type PolledDevice, readConsent } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps } from '../config.ts'
import { provenProgram } from './authenticate-actor.ts'
import { authenticateProgram } from './authenticate-program.ts'
import type { DeviceRequest } from './domain/user-token-request.ts'
import type { UserToken } from './issue-for-user.ts'
import { useAssertion } from './issue-statement.ts'
import { type CodeDeps, checkResource, issueConnection } from './redeem-code.ts'

/** The dependencies of redeemDeviceCode. */
type DeviceDeps = CodeDeps & Pick<AuthnDeps, 'devices'>

/**
 * Issues the first token of a connection for a device code, when the user has allowed it (RFC 8628 section 3.4).
 *
 * @throws ApiError CODE_NOT_ACCEPTED, CODE_EXPIRED, SLOW_DOWN, AUTHORIZATION_PENDING, CODE_REFUSED, INVALID_AUDIENCE,
 *   and as authenticateProgram, checkDpop and issueForUser
 */
export async function redeemDeviceCode(deps: DeviceDeps, request: DeviceRequest, call: Call): Promise<UserToken> {
  const device = await deps.devices.poll(request.deviceCode, request.client.clientId)
  if (device === undefined) throw refuse('device_code must be one that this server has given to the client')
  checkResource(request.resource, device.audience)
  const assertion = await authenticateProgram(deps, request.client, device, call)
  const answer = await answerOf(deps, device).catch(async (error: unknown) => {
    // The code lives on, so a thief of this request must not ask once more with it.
    await useAssertion(deps.db.pool, assertion)
    throw error
  })
  const { consent, keyId, vouchedAtS } = answer
  const { id: connection, scopes, clientEdge, expiresAt: codeExp } = device
  const proven = provenProgram(deps, assertion, call)
  const given = { scopes, clientEdge, isDevice: true }
  const code = { connection, codeExp, codeKeyId: keyId, vouchedAtS }
  return issueConnection(deps, { consent, code, given, proven }, call)
}

/** Returns what the user has allowed, if the user has. */
async function answerOf(
  { db, now }: Pick<DeviceDeps, 'db' | 'now'>,
  { status, isEarly, intervalS, expiresAt, consentId, keyId, vouchedAtS }: PolledDevice,
): Promise<{ readonly consent: KnownConsent; readonly keyId: string; readonly vouchedAtS: number }> {
  if (now() / 1000 >= expiresAt) throw new ApiError('CODE_EXPIRED', 'The device must begin again')
  if (isEarly) throw new ApiError('SLOW_DOWN', `Wait ${intervalS} seconds between two requests`)
  if (status === 'waiting') throw new ApiError('AUTHORIZATION_PENDING', 'Ask again after the interval')
  if (status === 'refused') throw new ApiError('CODE_REFUSED')
  const consent = consentId === null ? undefined : await readConsent(db.pool, consentId)
  if (consent === undefined || vouchedAtS === null) throw refuse('The user has withdrawn the consent')
  return { consent, keyId, vouchedAtS }
}

function refuse(detail: string): ApiError {
  return new ApiError('CODE_NOT_ACCEPTED', detail)
}
