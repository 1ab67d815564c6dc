import { isUuid } from '@auth4agent/core/encoding/uuid'
import type { DeviceRequest } from '../../../gen/prisma/client.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type Access, decideAccess } from '../access/domain/decide-access.ts'
import { decideClient } from '../access/domain/decide-client.ts'
import { readStanding } from '../access/standing.ts'
import type { ConsentQuestion, SignedIn } from '../authorize/authorize.ts'
import { ruleOf } from '../authorize/judge-request.ts'
import type { AuthorizeRoutesDeps } from '../authorize/routes.ts'
import type { ClientDocument } from '../clients/domain/read-document.ts'
import { answeredAlready, findWaiting } from '../store/device-requests.ts'
import { demandDevice } from './devices.ts'
import { readUserCode } from './domain/user-code.ts'

/** A request of a device, and what the user is asked. */
export interface OpenedRequest {
  readonly request: DeviceRequest
  readonly judged: { readonly document: ClientDocument }
  readonly access: Access
  readonly question: ConsentQuestion
}

type OpenDeps = Pick<AuthorizeRoutesDeps, 'db' | 'now' | 'documents'>

/**
 * Opens the request of a device for the user who has typed its code.
 *
 * @throws ApiError USER_CODE_NOT_FOUND, USER_NOT_ALLOWED, INVALID_AUDIENCE, CLIENT_NOT_ALLOWED, CLIENT_NOT_ACCEPTED,
 *   RATE_LIMITED, UNAVAILABLE
 */
export async function openUserCode(
  deps: OpenDeps,
  user: SignedIn,
  typed: string,
  source: string,
): Promise<OpenedRequest> {
  const userCode = readUserCode(typed)
  const request = userCode && (await findWaiting(deps.db.prisma, { userCode }, new Date(deps.now())))
  if (!request) throw new ApiError('USER_CODE_NOT_FOUND', 'No device waits with this code. Look at the device again')
  return open(deps, user, request, source)
}

/**
 * Opens the request of a device for the user who has seen a page about it, and answers.
 *
 * @throws ApiError FORM_EXPIRED if it does not wait any more, and as openUserCode
 */
export async function openAgain(deps: OpenDeps, user: SignedIn, id: string, source: string): Promise<OpenedRequest> {
  const request = isUuid(id) ? await findWaiting(deps.db.prisma, { id }, new Date(deps.now())) : undefined
  if (request === undefined) throw answeredAlready()
  return open(deps, user, request, source)
}

/** Judges a request for a user, as an authorization request is judged. */
async function open(
  { db, documents }: OpenDeps,
  { operatorId, subject }: SignedIn,
  request: DeviceRequest,
  source: string,
): Promise<OpenedRequest> {
  const { clientId, audience } = request
  const standing = await readStanding(db.pool, { operatorId, subject, clientId, audience })
  const rule = ruleOf(standing)
  demandDevice(rule)
  if (decideClient(standing, clientId, rule) !== request.clientEdge) throw new ApiError('CLIENT_NOT_ALLOWED')
  const access = decideAccess(standing, operatorId, rule)
  if ('refused' in access) throw new ApiError('USER_NOT_ALLOWED', access.why)
  const scopes = access.scopes.filter(({ name }) => request.scopes.includes(name))
  if (scopes.length === 0) throw new ApiError('USER_NOT_ALLOWED', 'No such scope is for this user')
  const document = await documents.find(clientId, source)
  if (document.digest !== request.clientDigest || document.authMethod !== request.clientAuth) {
    throw new ApiError('USER_CODE_NOT_FOUND', 'The document of the client has changed, so the device must begin again')
  }
  const question = {
    clientId,
    clientName: document.name,
    redirectHost: '',
    isLoopback: false,
    audience,
    ownerDomain: access.ownerDomain,
    scopes,
    connectionS: access.connectionS,
  }
  return { request, judged: { document }, access, question }
}
