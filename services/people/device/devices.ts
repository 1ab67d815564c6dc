import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { parseAudience } from '@auth4agent/core/token/audience'
import type { Author } from '../../ledger/ledger.ts'
import type { UserAccess } from '../../operator-registry/index.ts'
import type { Db } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { decideClient } from '../access/domain/decide-client.ts'
import { readStanding } from '../access/standing.ts'
import { readScopes } from '../authorize/domain/authorization-request.ts'
import { NOBODY, ruleOf } from '../authorize/judge-request.ts'
import type { ClientDocuments } from '../clients/documents.ts'
import { clientKindOf } from '../clients/domain/client-id.ts'
import type { ClientDocument } from '../clients/domain/read-document.ts'
import type { KnownClient } from '../connections/read-connection.ts'
import { type PolledDevice, pollDevice, storeDeviceRequest } from '../store/device-requests.ts'
import { DEVICE_CODE } from './domain/grant-type.ts'
import { newUserCode, showUserCode } from './domain/user-code.ts'

/** What a device asks for. */
interface Wanted {
  readonly clientId: string
  readonly audience: string
  /** Empty for the default scopes of the resource. */
  readonly scope: string
}

/** A request of a device whose client may ask. */
interface JudgedDevice extends KnownClient {
  readonly audience: string
  readonly ownerId: string
  readonly clientEdge: string
  readonly scopes: readonly string[]
}

/** What the device gets (RFC 8628 section 3.2). */
interface StartedDevice {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly expiresIn: number
  readonly interval: number
}

/** The requests of devices without a browser (RFC 8628). */
export interface Devices {
  /**
   * Judges a request as an authorization request is judged, before its client has authenticated.
   *
   * @throws ApiError INVALID_AUDIENCE, INVALID_SCOPE, CLIENT_NOT_ACCEPTED, CLIENT_NOT_ALLOWED, RATE_LIMITED,
   *   UNAVAILABLE
   */
  judge(wanted: Wanted, source: string): Promise<JudgedDevice>
  /** Stores a request of a client. Throws ApiError TOO_MANY_DEVICES, UNAVAILABLE. */
  start(judged: JudgedDevice, author: Author): Promise<StartedDevice>
  /** Finds the request with a device code of a client, and notes that the client asks for the token. */
  poll(deviceCode: string, clientId: string): Promise<PolledDevice | undefined>
}

interface Deps {
  readonly db: Pick<Db, 'prisma' | 'pool'>
  readonly documents: Pick<ClientDocuments, 'find'>
  readonly issuer: string
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
}

/** Where people type the code, below the issuer. */
export const DEVICE_PAGE = '/people/device'
const LIFETIME_S = 600
const INTERVAL_S = 5
const BYTES = 32

/** Creates the requests of devices. */
export function createDevices({ db, documents, issuer, now }: Deps): Devices {
  return {
    async judge({ clientId, audience, scope }, source) {
      if (!audience.includes(':') || parseAudience(audience) === undefined) {
        throw new ApiError('INVALID_AUDIENCE', 'resource must be the URL of the service that the client wants to call')
      }
      if (clientKindOf(clientId) !== 'url') {
        throw new ApiError('CLIENT_NOT_ACCEPTED', 'client_id must be the URL of the document of the client')
      }
      const standing = await readStanding(db.pool, { ...NOBODY, clientId, audience })
      const rule = ruleOf(standing)
      demandDevice(rule)
      const clientEdge = decideClient(standing, clientId, rule)
      if (clientEdge === undefined) throw new ApiError('CLIENT_NOT_ALLOWED')
      const scopes = scopesOf(scope, rule)
      const document = await documents.find(clientId, source)
      demandDeviceClient(document)
      const { authMethod: clientAuth, digest: clientDigest } = document
      return { clientId, clientAuth, clientDigest, audience, ownerId: standing.ownerId ?? '', clientEdge, scopes }
    },
    async start(judged, author) {
      const deviceCode = encodeBase64url(randomBytes(BYTES))
      const expiresAt = new Date(now() + LIFETIME_S * 1000)
      const request = { id: randomUUID(), codeHash: hashOf(deviceCode), expiresAt, ...judged }
      const userCode = await storeDeviceRequest(db.prisma, author, request, newUserCode, new Date(now()))
      const verificationUri = `${issuer}${DEVICE_PAGE}`
      return {
        deviceCode,
        userCode: showUserCode(userCode),
        verificationUri,
        expiresIn: LIFETIME_S,
        interval: INTERVAL_S,
      }
    },
    poll: (deviceCode, clientId) => pollDevice(db.pool, hashOf(deviceCode), clientId),
  }
}

/**
 * Demands that the owner of an audience lets devices ask for users.
 *
 * @throws ApiError CLIENT_NOT_ALLOWED
 */
export function demandDevice({ device }: Pick<UserAccess, 'device'>): void {
  if (device) return
  throw new ApiError('CLIENT_NOT_ALLOWED', 'The owner of the resource does not allow the device authorization grant')
}

/**
 * Demands that a client says of itself that it is on devices. Everybody can ask in the name of a client without keys,
 * and no redirect URI protects it here: so a client that never uses this grant must not be usable for it.
 *
 * @throws ApiError CLIENT_NOT_ALLOWED
 */
function demandDeviceClient({ isOnDevices }: Pick<ClientDocument, 'isOnDevices'>): void {
  if (isOnDevices) return
  throw new ApiError('CLIENT_NOT_ALLOWED', `The document of the client must have ${DEVICE_CODE} among its grant_types`)
}

function scopesOf(text: string, { scopes }: UserAccess): readonly string[] {
  const wanted = readScopes(text)
  if (wanted === 'malformed') {
    throw new ApiError('INVALID_SCOPE', 'scope must be scope-tokens with single spaces between')
  }
  const strange = wanted?.filter((scope) => !scopes.some(({ name }) => name === scope)) ?? []
  if (strange.length > 0) throw new ApiError('INVALID_SCOPE', `The resource has no scope ${strange.join(' ')}`)
  const asked = scopes.filter(({ name, isDefault }) => wanted?.includes(name) ?? isDefault)
  if (asked.length === 0)
    throw new ApiError('INVALID_SCOPE', 'The resource has no default scope, so scope must not be missing')
  return asked.map(({ name }) => name)
}

function hashOf(deviceCode: string): Buffer {
  return createHash('sha256').update(deviceCode).digest()
}
