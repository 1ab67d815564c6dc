import type pg from 'pg'
import type { DeviceRequest, Prisma, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Audit, type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { KnownClient } from '../connections/read-connection.ts'

/** A request of a device that begins. */
export interface NewDeviceRequest extends KnownClient {
  readonly id: string
  readonly codeHash: Buffer
  readonly ownerId: string
  readonly clientEdge: string
  readonly audience: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date
}

/** Which request a user answers. */
export interface AnsweredDevice {
  readonly request: Pick<DeviceRequest, 'id' | 'ownerId' | 'clientId' | 'audience'>
  readonly operatorId: string
  readonly subject: string
}

/** What a user has allowed. */
export interface AllowedDevice {
  readonly consentId: string
  readonly scopes: readonly string[]
  readonly keyId: string
  readonly vouchedAtS: number
}

/** A request of a device, whose client asks for the token. Times are in Unix seconds. */
export interface PolledDevice extends KnownClient {
  readonly id: string
  readonly audience: string
  readonly clientEdge: string
  readonly scopes: readonly string[]
  readonly status: string
  readonly consentId: string | null
  readonly keyId: string
  readonly vouchedAtS: number | null
  readonly expiresAt: number
  /** Whether the client has asked again before its interval had passed. */
  readonly isEarly: boolean
  readonly intervalS: number
}

/** Most requests that wait for users of one owner. */
const MAX_WAITING = 1_000
const RETRY_AFTER_S = 60
/** Other locks of an operator's id have other seeds. */
const SEED = 2n
/** So many codes are drawn until one is free. */
const MAX_DRAWN = 4
/** What RFC 8628 section 3.5 adds to the interval, in seconds. */
const SLOWER_S = 5

/**
 * Stores a request under a code of a user that no other request has. A lock makes the bound exact. It is not the row
 * of the owner, because strangers must not make the owner wait.
 *
 * @returns the code of the user
 * @throws ApiError TOO_MANY_DEVICES, UNAVAILABLE
 */
export function storeDeviceRequest(
  prisma: PrismaClient,
  author: Author,
  request: NewDeviceRequest,
  newUserCode: () => string,
  now: Date,
): Promise<string> {
  const { id, ownerId, clientId, audience, scopes, codeHash } = request
  return change(prisma, author, async (tx, audit) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${ownerId}, ${SEED}))`
    const waiting = await tx.deviceRequest.count({ where: { ownerId, expiresAt: { gt: now } } })
    if (waiting >= MAX_WAITING) throw new ApiError('TOO_MANY_DEVICES', undefined, { retryAfter: RETRY_AFTER_S })
    const data = { ...request, scopes: [...scopes], codeHash: Uint8Array.from(codeHash) }
    const userCode = await insert(tx, data, newUserCode)
    const reason = `client ${clientId}; scope ${JSON.stringify(scopes)}; audience ${JSON.stringify([audience])}`
    await audit({ action: 'device.start', subject: id, operatorId: ownerId, reason })
    return userCode
  })
}

async function insert(
  tx: Tx,
  data: Omit<Prisma.DeviceRequestCreateManyInput, 'userCode'>,
  newUserCode: () => string,
): Promise<string> {
  for (let drawn = 0; drawn < MAX_DRAWN; drawn++) {
    const userCode = newUserCode()
    const { count } = await tx.deviceRequest.createMany({ data: [{ ...data, userCode }], skipDuplicates: true })
    if (count === 1) return userCode
  }
  throw new ApiError('UNAVAILABLE', 'Every code that was drawn is in use; try again', { retryAfter: 1 })
}

/** Finds the request that waits with a code of a user, or with an id. Returns undefined if there is none. */
export async function findWaiting(
  prisma: PrismaClient,
  by: Pick<DeviceRequest, 'userCode'> | Pick<DeviceRequest, 'id'>,
  now: Date,
): Promise<DeviceRequest | undefined> {
  const where = { ...by, status: 'waiting', expiresAt: { gt: now } }
  return (await prisma.deviceRequest.findFirst({ where })) ?? undefined
}

/**
 * Stores the answer of a user: what the user allows, or undefined for nothing.
 *
 * @throws ApiError FORM_EXPIRED if the request does not wait any more
 */
export async function answerDevice(
  tx: Tx,
  audit: Audit,
  { request, operatorId, subject }: AnsweredDevice,
  allowed: AllowedDevice | undefined,
  now: Date,
): Promise<void> {
  const { id, ownerId, clientId, audience } = request
  const { count } = await tx.deviceRequest.updateMany({
    where: { id, status: 'waiting', expiresAt: { gt: now } },
    data: allowed === undefined ? { status: 'refused' } : { status: 'allowed', ...columnsOf(allowed) },
  })
  if (count === 0) throw answeredAlready()
  const action = allowed === undefined ? 'device.refuse' : 'device.allow'
  const reason = `user ${subject}; client ${clientId}; audience ${JSON.stringify([audience])}`
  const operators = [...new Set([operatorId, ownerId])]
  await audit(...operators.map((each) => ({ action, subject: id, operatorId: each, reason }) as const))
}

/** Returns the refusal of an answer to a request that does not wait any more. */
export function answeredAlready(): ApiError {
  return new ApiError('FORM_EXPIRED', 'Type the code again: it has expired, or somebody has answered')
}

function columnsOf({ consentId, scopes, keyId, vouchedAtS }: AllowedDevice) {
  return { consentId, scopes: [...scopes], keyId, vouchedAt: new Date(vouchedAtS * 1000) }
}

/** The row is locked, so of two requests at one moment the second is early. */
const POLL = `
WITH found AS MATERIALIZED (
  SELECT id, polled_at IS NOT NULL AND polled_at + interval_s * interval '1 second' > clock_timestamp() AS is_early
  FROM device_requests WHERE code_hash = $1 AND client_id = $2 FOR NO KEY UPDATE
)
UPDATE device_requests d SET polled_at = clock_timestamp(),
  interval_s = d.interval_s + ${SLOWER_S} * f.is_early::int
FROM found f WHERE d.id = f.id
RETURNING d.id::text, d.audience, d.client_id AS "clientId", d.client_auth AS "clientAuth",
  d.client_digest AS "clientDigest", d.client_edge::text AS "clientEdge", d.scopes, d.status,
  d.consent_id::text AS "consentId", d.key_id AS "keyId",
  floor(extract(epoch FROM d.vouched_at))::float8 AS "vouchedAtS",
  floor(extract(epoch FROM d.expires_at))::float8 AS "expiresAt", f.is_early AS "isEarly", d.interval_s AS "intervalS"`

/** Finds the request with a device code, and notes that its client asks for the token. Reads the primary. */
export async function pollDevice(pool: pg.Pool, codeHash: Buffer, clientId: string): Promise<PolledDevice | undefined> {
  return (await pool.query<PolledDevice>({ name: 'poll-device', text: POLL, values: [codeHash, clientId] })).rows[0]
}
