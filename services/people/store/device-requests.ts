import type pg from 'pg'
import type { DeviceRequest, PrismaClient } from '../../../gen/prisma/client.ts'
import type { KnownClient } from '../connections/read-connection.ts'

/** A request of a device that begins. */
export interface NewDeviceRequest extends KnownClient {
  readonly id: string
  readonly codeHash: Buffer
  readonly userCode: string
  readonly ownerId: string
  readonly clientEdge: string
  readonly audience: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date
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
/** What RFC 8628 section 3.5 adds to the interval, in seconds. */
const SLOWER_S = 5

/**
 * Stores a request. The row of the owner is locked, so the bound is exact.
 *
 * @returns false if the owner has as many requests as it may have
 */
export function storeDeviceRequest(prisma: PrismaClient, request: NewDeviceRequest, now: Date): Promise<boolean> {
  const { ownerId, scopes, codeHash, ...rest } = request
  return prisma.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT 1 FROM operators WHERE id = ${ownerId}::uuid FOR NO KEY UPDATE`
    const waiting = await tx.deviceRequest.count({ where: { ownerId, expiresAt: { gt: now } } })
    if (waiting >= MAX_WAITING) return false
    const data = { ...rest, ownerId, scopes: [...scopes], codeHash: Uint8Array.from(codeHash) }
    await tx.deviceRequest.create({ data })
    return true
  })
}

/** Finds the request that waits with a code of a user. Returns undefined if there is none. */
export async function findWaiting(
  prisma: PrismaClient,
  userCode: string,
  now: Date,
): Promise<DeviceRequest | undefined> {
  const where = { userCode, status: 'waiting', expiresAt: { gt: now } }
  return (await prisma.deviceRequest.findFirst({ where })) ?? undefined
}

/** Stores the answer of a user. Returns false if the request does not wait any more. */
export async function answerDevice(
  prisma: PrismaClient,
  id: string,
  allowed: AllowedDevice | undefined,
  now: Date,
): Promise<boolean> {
  const data =
    allowed === undefined
      ? { status: 'refused' }
      : {
          status: 'allowed',
          consentId: allowed.consentId,
          scopes: [...allowed.scopes],
          keyId: allowed.keyId,
          vouchedAt: new Date(allowed.vouchedAtS * 1000),
        }
  const { count } = await prisma.deviceRequest.updateMany({
    where: { id, status: 'waiting', expiresAt: { gt: now } },
    data,
  })
  return count === 1
}

/** The row is locked, so of two requests at one moment the second is early. */
const POLL = `
WITH found AS MATERIALIZED (
  SELECT id, polled_at IS NOT NULL AND polled_at + interval_s * interval '1 second' > clock_timestamp() AS is_early
  FROM device_requests WHERE code_hash = $1 AND client_id = $2 FOR NO KEY UPDATE
)
UPDATE device_requests d SET polled_at = clock_timestamp(),
  interval_s = d.interval_s + CASE WHEN f.is_early THEN ${SLOWER_S} ELSE 0 END
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
