import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { buildDidDocument, type DidDocument, type DidSubject } from '@auth4agent/core/identity/did-document'
import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import type { KeyEventClaims } from '@auth4agent/core/key-events/event-claims'
import { Prisma, type PrismaClient } from '../../gen/prisma/client.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { KeyFacts } from './key-events/key-facts.ts'
import { type AgentRecord, addedKeysOf, currentKey, otherDidsOf } from './store.ts'

/** The version that a resolution asks for; the newest one if both are undefined. */
export interface WantedVersion {
  readonly id: string | undefined
  readonly time: Date | undefined
}

/** A version of a DID document. */
export interface DidVersion {
  readonly document: DidDocument
  /** Number of the event with which the version began. */
  readonly seq: number
  readonly began: Date
}

/** The newest version: the keys are those of the agent's rows. */
interface Newest {
  readonly kind: 'newest'
  readonly seq: number
  readonly began: Date
}

/** A version that an event of the log began. */
interface StoredVersion {
  readonly kind: 'stored'
  readonly seq: number
  readonly began: Date
  readonly event: string
  readonly keys: {
    readonly x: string
    readonly added: readonly { readonly jwk: unknown; readonly exp: number }[]
  } | null
}

/**
 * Reads a version of an agent's DID document. Each event of the agent's log begins a version. The version of a time is
 * the last one that had begun by then, in whole seconds as the metadata shows them.
 *
 * @throws ApiError AGENT_NOT_FOUND if there is no such version
 */
export async function readDidVersion(
  prisma: PrismaClient,
  agent: AgentRecord,
  facts: KeyFacts,
  wanted: WantedVersion,
  now: Date,
): Promise<DidVersion> {
  const { did, status } = agent
  const alsoKnownAs = otherDidsOf(agent)
  const newest = { kind: 'newest', seq: facts.keySeq, began: facts.updatedAt ?? agent.createdAt } as const
  const found = await findVersion(prisma, agent, newest, wanted)
  const { seq, began } = found
  const at = wanted.time ?? began
  if (found.kind === 'newest' && !isBefore(at, agent.revokedAt, wanted)) {
    const addedKeys = addedKeysOf(agent, now)
    return {
      seq,
      began,
      document: buildDidDocument({ did, status, publicKey: currentKey(agent), addedKeys, alsoKnownAs }),
    }
  }
  const keys = found.kind === 'newest' ? keysOf(agent) : readKeys(found)
  const addedKeys = keys.addedKeys.filter(({ exp }) => exp * 1000 > at.getTime())
  const { publicKey } = keys
  const before = agent.movedFrom === null ? [] : [agent.movedFrom]
  return {
    seq,
    began,
    document: buildDidDocument({ did, status: 'active', publicKey, addedKeys, alsoKnownAs: before }),
  }
}

/** Returns whether the version of a time was in force before the agent was revoked. */
function isBefore(at: Date, revokedAt: Date | null, { time }: WantedVersion): boolean {
  return time !== undefined && revokedAt !== null && inSeconds(at) < inSeconds(revokedAt)
}

/**
 * Finds a version: `newest`, or the row of an event. The log of an agent that has moved begins with the events of its
 * earlier DIDs, which are no versions of this one.
 */
async function findVersion(
  prisma: PrismaClient,
  { id: agentId, did }: AgentRecord,
  newest: Newest,
  wanted: WantedVersion,
): Promise<Newest | StoredVersion> {
  const { id, time } = wanted
  if (id === undefined ? time === undefined || inSeconds(newest.began) <= inSeconds(time) : id === String(newest.seq))
    return newest
  const at = id === undefined ? Prisma.sql`date_trunc('second', recorded_at) <= ${time}` : placeOf(id)
  const [row] =
    at === undefined
      ? []
      : await prisma.$queryRaw<Omit<StoredVersion, 'kind'>[]>`
    SELECT seq, recorded_at AS began, event, keys FROM agent_key_events
    WHERE agent_id = ${agentId}::uuid AND ${at} ORDER BY seq DESC LIMIT 1`
  if (row === undefined || !isOf(did, claimsOf(row.event))) throw noVersion(wanted)
  return { kind: 'stored', ...row }
}

function placeOf(id: string): Prisma.Sql | undefined {
  return /^(0|[1-9]\d{0,5})$/.test(id) ? Prisma.sql`seq = ${Number(id)}` : undefined
}

/** Returns whether an event is one of a DID. The move that leads to the DID is its first one. */
function isOf(did: string, claims: KeyEventClaims): boolean {
  return claims.did === did || (claims.type === 'move' && claims.to === did)
}

function noVersion({ id }: WantedVersion): ApiError {
  const detail =
    id === undefined
      ? 'version_time must not be before the agent registered'
      : 'version_id must be the number of an event in the log of the agent'
  return new ApiError('AGENT_NOT_FOUND', detail)
}

function inSeconds(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}

type AddedKeys = NonNullable<DidSubject['addedKeys']>

interface Keys {
  readonly publicKey: Uint8Array | undefined
  readonly addedKeys: AddedKeys
}

function keysOf(agent: AgentRecord): Keys {
  return { publicKey: currentKey(agent), addedKeys: addedKeysOf(agent) }
}

/** Reads the keys that an agent had after an event, as the database has computed them. */
function readKeys({ seq, keys }: StoredVersion): Keys {
  if (keys === null) throw new Error(`Event ${seq} of a log has no keys`)
  const addedKeys = keys.added.flatMap(({ jwk, exp }) => {
    const known = readPublicJwk(jwk)
    return known === undefined || known.kty === 'RSA' ? [] : [{ jwk: known, exp }]
  })
  return { publicKey: decodeBase64url(keys.x), addedKeys }
}

/** Returns the claims of a stored event, which was verified when it was accepted. */
function claimsOf(event: string): KeyEventClaims {
  const [, payload = ''] = event.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as KeyEventClaims
}
